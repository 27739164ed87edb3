"""uv as the engine: fast, and it explains conflicts."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.choices import EVERY, IndexStrategy, Kinds
from envlock.engine.interface import (
    Answer,
    Problem,
    Unsatisfiable,
    brief,
    collect,
    confirm_absent,
    lay_out,
)
from envlock.errors import IndexFailure, WorkError
from envlock.index.handover import untrusted_by_uv, uv_environment, uv_options, uv_program
from envlock.index.offline import lacked_by_uv, lacking
from envlock.index.secrets import redact
from envlock.index.unbuilt import refuse_unbuilt
from envlock.index.ways import for_uv
from envlock.model import IndexSettings, Target
from envlock.progress import Progress
from envlock.system import run_solver, scratch
from envlock.targets.platforms import uv_name

_NO_SOLUTION = "No solution found when resolving dependencies"
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|client error|timed? ?out|Could not connect",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"([\w.-]+) was not found in the (?:package registry|provided package locations)"
)

#: uv draws a tree around its words, tells markers in braces and numbers its steps.
_DRAWING = re.compile(r"[│╰─▶├\u00d7]|\{[^{}]*\}|we know from \(\d+\) that | \(\d+\)(?=\s|$)")
_LIST = re.compile(r"(?:one of|available):((?: [\w.-]+[<>=!~][^\s;]+)+)")
_STEP = re.compile(
    r"because (?P<facts>.+?),? we can conclude that .+?(?= (?:\w+, |And )?because |$)",
    re.IGNORECASE,
)
_SHOWN = 6  # versions in a list


class Uv:
    """`Engine` that runs ``uv pip compile``; hashes are left to the index pages.

    Of several places that list one version uv reads the hashes of one only.
    It also passes over the upper bound of a Requires-Python, which the check
    of the pins makes up for. And where one of several indexes has the version
    to prefer with wheels for others only, it takes another version or finds
    none, though another index has the right one: it is then asked once more.
    """

    crosses_platforms = True

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with uv, for the target's interpreter when it is here."""
        answer = self._solve(problem, progress)
        if not (problem.preferences and _mixes(problem.settings)):
            return answer
        for again in _without_preferring(problem, answer):
            better = self._solve(again, progress)
            if not isinstance(better, Unsatisfiable):
                return better
        return answer

    def _solve(self, problem: Problem, progress: Progress) -> Answer:
        with for_uv(problem.settings) as settings, scratch() as folder:
            files = lay_out(problem, folder)
            command: list[str | Path] = [uv_program(), "pip", "compile", files.requirements.name]
            command += ["--output-file", files.answer.name, *arguments(problem)]
            command += ["--override", files.overrides.name] if problem.without else []
            done = run_solver(
                "uv",
                command,
                cwd=folder,
                env=uv_environment(settings) | _system(problem.target),
                on_line=progress.detail,
            )
            if done.returncode == 0:
                return collect(files)
        said = brief(redact(done.stderr))
        if problem.settings.offline and (lacks := lacked_by_uv(said)):
            raise lacking(lacks)
        refuse_unbuilt(said, problem.requirements)
        if _NO_SOLUTION in said:
            text = sentences(said)
            held = confirm_absent(_NOT_FOUND.findall(text), problem)
            return Unsatisfiable(text="; ".join((text, *held)))
        if _NETWORK.search(said):
            hosts = ", ".join(untrusted_by_uv(problem.settings))
            raise IndexFailure(
                f"uv could not read the package index: {_chain(said)}",
                *([f"--cert FILE  (uv cannot be told to trust {hosts})"] if hosts else []),
            )
        raise WorkError(f"uv could not solve the requirements: {_chain(said)}")


def _mixes(settings: IndexSettings) -> bool:
    """Whether a version may come from any of several indexes."""
    return bool(settings.extra_index_urls) and settings.index_strategy is IndexStrategy.BEST


def _without_preferring(problem: Problem, answer: Answer) -> Iterator[Problem]:
    """The problem with versions as upper bounds that uv did not keep, or with none preferred."""
    preferred = problem.preferences
    if isinstance(answer, Unsatisfiable):
        yield _bounded(problem, preferred.keys())
        yield replace(problem, preferences={})
        return
    there = {each.name: each.version for each in answer.packages if each.name in preferred}
    moved = {name for name, version in there.items() if version != preferred[name]}
    below = {name for name in moved if there[name] < preferred[name]}
    if moved:
        yield _bounded(problem, moved)
    if below and below != moved:
        yield _bounded(problem, below)


def _bounded(problem: Problem, names: Collection[NormalizedName]) -> Problem:
    preferred = problem.preferences
    bounds = (f"{name}<={preferred[name].public}" for name in names)
    return replace(
        problem,
        constraints=tuple(sorted({*problem.constraints, *bounds})),
        preferences={n: v for n, v in preferred.items() if n not in names},
    )


def arguments(problem: Problem) -> list[str | Path]:
    """What uv is told beside its files; where packages come from is in its environment."""
    target = problem.target
    options: list[str | Path] = [
        "--no-header",
        "--annotation-style=split",
        "--strip-extras",
        "--color=never",
        *uv_options(problem.settings),
    ]
    if target.interpreter is None:
        # uv asks a Python that is here when it must build a source archive.
        options += ["--python", sys.executable, "--python-version", str(target.python)]
        options += ["--python-platform", uv_name(target.platform)]
    else:
        options += ["--python", target.interpreter]
    if not problem.builds:
        options += ["--no-build"]
    for name in problem.wheels_only if problem.builds else ():
        options += ["--only-binary", name]
    options += _of_kinds(problem.settings.kinds)
    if problem.exclude_newer is not None:
        options += ["--exclude-newer", problem.exclude_newer.isoformat()]
    return options


def _of_kinds(kinds: Kinds) -> Iterator[str]:
    """Which files are taken; of what is to be built of its source, the index pages take care."""
    for name in kinds.only_binary:
        yield from ("--only-binary", name)
    for names, every, one in (
        (kinds.all_releases, "allow", "allow"),
        (kinds.only_final, "disallow", "disallow"),
    ):
        for name in names:
            option = ["--prerelease", every] if name == EVERY else _of_one(name, one)
            yield from option


def _of_one(name: str, how: str) -> list[str]:
    return ["--prerelease-package", f"{name}={how}"]


def _system(target: Target) -> dict[str, str]:
    """The oldest macOS of a target that is not this machine's, as uv is told of it."""
    library, _, version = target.platform.libc.partition(" ")
    return {"MACOSX_DEPLOYMENT_TARGET": version} if library == "macos" else {}


def _chain(said: str) -> str:
    """An error of uv and its causes, each a line of its tree, as one line."""
    lines = (
        re.sub(r"^\s*(?:error|cause): ", "", _DRAWING.sub("", line)) for line in said.splitlines()
    )
    return "; ".join(line.strip() for line in lines if line.strip())


def sentences(said: str) -> str:
    """The facts of uv's explanation, without its drawing, conclusions and hints."""
    _, _, text = said.partition(_NO_SOLUTION)
    text = " ".join(_DRAWING.sub("", text.partition("hint:")[0]).split())
    text = re.sub(r"^:? ?(?:cause: )?", "", text)
    text = _LIST.sub(lambda found: found[0].replace(found[1], _listed(found[1])), text)
    facts = dict.fromkeys(step["facts"] for step in _STEP.finditer(text))
    return "; ".join(facts) or text


def _listed(items: str) -> str:
    names = items.split()
    shown = names if len(names) <= _SHOWN else [*names[: _SHOWN - 2], "…", names[-1]]
    return f" {', '.join(shown)}"
