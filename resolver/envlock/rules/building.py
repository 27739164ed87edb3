"""What builds old source distributions, as ``build-tools.yaml`` has it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.rules.tables import table
from envlock.words import last_error

_NOISE = re.compile(r"^(?:DEBUG|TRACE|INFO|warning:).*\n?", re.MULTILINE)


_MISSED = re.compile(r"No module named '?(\w+)")
_NO_PROGRAM = re.compile(r"command '(?:[^'\n]*/)?([\w.+-]+)' failed: No such file")


class BuildCondition(Struct, frozen=True, kw_only=True):
    """Bounds on what builds some releases of a package, whatever the date.

    ``adds`` are tools that are put beside what they ask for.
    """

    package: NormalizedName
    releases: SpecifierSet
    bounds: tuple[str, ...]
    adds: tuple[str, ...]
    because: str


class BuildTools(Struct, frozen=True, kw_only=True):
    """What ``build-tools.yaml`` says.

    ``oldest`` maps a tool and a minor of Python to the oldest release that it
    can run, ``imports`` modules and ``programs`` programs to what brings them.
    ``causes`` are patterns of logs and what they mean.
    """

    oldest: Mapping[NormalizedName, Mapping[str, Version]]
    conditions: tuple[BuildCondition, ...]
    imports: Mapping[str, str]
    programs: Mapping[str, str]
    causes: tuple[tuple[re.Pattern[str], str], ...]

    def floor(self, tool: NormalizedName, minor: str) -> Version | None:
        """Return the oldest release of a tool that a Python runs, as far as that is known."""
        return self.oldest[tool].get(minor)

    def of(self, package: NormalizedName, version: Version) -> BuildCondition | None:
        """Return the condition of a release, where it has one."""
        return next(
            (
                each
                for each in self.conditions
                if each.package == package and each.releases.contains(version, prereleases=True)
            ),
            None,
        )

    def lacking(self, log: str) -> frozenset[str]:
        """Return what brings the modules and programs that a build missed, as far as is known."""
        modules = (self.imports.get(name) for name in _MISSED.findall(log))
        programs = (self.programs.get(name) for name in _NO_PROGRAM.findall(log))
        return frozenset(filter(None, (*modules, *programs)))

    def cause(self, log: str) -> str:
        """Return in one line why a build failed, as its log has it; "" where that is not known."""
        return next(self._found(log), "")

    def _found(self, log: str) -> Iterator[str]:
        for pattern, says in self.causes:
            if match := pattern.search(log):
                yield match.expand(says)


@cache
def build_tools() -> BuildTools:
    """Return what envlock knows of build tools."""
    said = table("build-tools.yaml")
    return BuildTools(
        oldest={
            canonicalize_name(tool): {minor: Version(text) for minor, text in by_minor.items()}
            for tool, by_minor in said["oldest"].items()
        },
        conditions=tuple(
            BuildCondition(
                package=canonicalize_name(each["package"]),
                releases=SpecifierSet(each["releases"]),
                bounds=tuple(each["with"]),
                adds=tuple(each.get("adds", ())),
                because=each["because"],
            )
            for each in said["build"]
        ),
        imports=said["imports"],
        programs=said["programs"],
        causes=tuple(
            (re.compile(each["seen"], re.MULTILINE), each["says"]) for each in said["causes"]
        ),
    )


def cause_of(logs: Sequence[str]) -> str:
    """Return in one line why builds failed: what is known of the last log, else of another.

    Where nothing is known, it is what the first ended with.
    """
    texts = [_NOISE.sub("", log) for log in logs]
    known = next(filter(None, map(build_tools().cause, reversed(texts))), "")
    if known or not texts:
        return known
    return last_error(texts[0]) or "its build backend failed without a word"
