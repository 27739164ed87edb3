"""An environment.yml → `Request`: conda's part and pip's kept apart, each with its line.

What a lock cannot hold is refused as it is in requirements files, all at once;
what only does not matter to a lock is a note. Pure apart from reading.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace
from packaging.requirements import Requirement

from envlock.errors import UsageError
from envlock.formats.conda_spec import PLATFORMS, marker, parse_spec, selected
from envlock.formats.environment_yml import (
    NOTHING,
    EntryOwner,
    EnvironmentEntry,
    parse_environment_yml,
)
from envlock.formats.faults import safe, shown
from envlock.formats.requirements import find_root, logical_lines
from envlock.index.secrets import learn_url
from envlock.model import CondaSpec, Request, Requested
from envlock.request.files import RequestLines
from envlock.system import read_text

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OF_PIP = re.compile(r"pypi_\d+|<pip>")
_ENTRIES = 'write a package as "- numpy=1.26", and pip\'s requirements under one "- pip:"'
_PLACE = re.compile(r"\S+")
_LEFT_OUT = {
    "category": "a lock is one environment",
    "prefix": "it is a folder of one machine",
}
_READ = frozenset({"channels", "dependencies", "name", "pip-repositories", "platforms"})


def read_environment(path: Path, root: Path | None = None) -> Request:
    """Read an environment.yml and what its pip list includes from inside ``root``.

    ``root`` is `find_root` of the file unless given. Selectors become the
    platforms of a conda entry and the marker of a pip one. Nothing is
    expanded, fetched or evaluated.

    Raises:
        UsageError: the file cannot be read or is no environment file; or
            entries are malformed or ask for what a lock cannot hold, told all
            at once with file:line.
    """
    reader = _Reader(path, read_text(path), root or find_root(path))
    return reader.read()


class _Reader:
    def __init__(self, path: Path, text: str, root: Path) -> None:
        self._path = path
        self._pip = RequestLines(root=root, base=path.parent)  # conda runs pip there
        self._label = self._pip.label(path)
        self._file = parse_environment_yml(self._label, text)
        self._notes: list[tuple[int, str]] = []
        self._specs: list[CondaSpec] = []

    def read(self) -> Request:
        """Take in the whole file.

        Raises:
            UsageError: as `read_environment`.
        """
        for entry in self._file.odd:
            self._oddity(entry, "write it as a plain list, or as one value, without a tag")
        self._keys()
        name, channels, platforms = self._name(), self._channels(), self._platforms()
        self._dependencies()
        self._pip.faults.finish()
        own = (f"{self._label}:{line}: {text}" for line, text in sorted(self._notes))
        notes = dict.fromkeys((*own, *self._pip.notes.values()))
        return Request(
            name=name,
            channels=tuple(dict.fromkeys(each for each in channels if each != "nodefaults")),
            nodefaults="nodefaults" in channels,
            specs=tuple(self._specs),
            requirements=tuple(self._pip.requirements),
            pip_constraints=tuple(self._pip.constraints),
            variables={key: entry.text for key, entry in self._file.variables.items()},
            platforms=tuple(dict.fromkeys(platforms)),
            notes=tuple(notes),
        )

    def _keys(self) -> None:
        lists = {key: found[0] for key, found in self._file.lists.items() if found}
        for key, entry in {**self._file.values, **lists}.items():
            if key in _LEFT_OUT:
                self._note(entry, f"{shown(key)} is left out: {_LEFT_OUT[key]}")
            elif key not in _READ:
                self._note(entry, f"{shown(key)} is not read: it is no key of an environment file")
        for entry in self._listed("pip-repositories"):
            self._pip_option(entry, f"--extra-index-url {entry.text}")

    def _name(self) -> str | None:
        for entry in self._file.lists.get("name", ())[:1]:
            self._fault(entry, "the name of the environment is a list", "write one name")
        found = self._file.values.get("name")
        if found is not None and "://" in found.text:  # it may hold credentials
            message = f"{shown(found.text)} is an address, and no name of an environment"
            self._fault(found, message, "write one name")
        return None if found is None or found.text in NOTHING else found.text

    def _channels(self) -> list[str]:
        found: list[str] = []
        for entry in self._listed("channels"):
            if _PLACE.fullmatch(entry.text) is None or not entry.text.isprintable():
                message = f"{shown(entry.text)} is not the name or address of a channel"
                self._fault(entry, message, 'write it like "conda-forge"')
            elif entry.text == "default":
                self._note(entry, '"default" is read as "defaults": no channel has that name')
                found.append("defaults")
            else:
                found.append(entry.text)
        return found

    def _platforms(self) -> list[str]:
        entries = self._listed("platforms")
        for entry in entries:
            if entry.text not in PLATFORMS:
                some = ", ".join(sorted(PLATFORMS))
                self._fault(entry, f"{shown(entry.text)} is no platform of conda's", some)
        return [entry.text for entry in entries]

    def _listed(self, key: str) -> list[EnvironmentEntry]:
        """The entries of a plain list, or the one value that stands for it."""
        alone = self._file.values.get(key)
        found = [*self._file.lists.get(key, ()), *([alone] if alone else ())]
        for entry in found:
            if entry.odd:
                self._oddity(entry, f"write one word for each of the {key}")
        return [each for each in found if not each.odd and each.text not in NOTHING]

    def _dependencies(self) -> None:
        if self._file.mapped is not None:
            raise UsageError(
                f"{self._label}:{self._file.mapped}: dependencies is a map of lists, which conda"
                " does not read",
                'write one list: packages as "- numpy=1.26", pip\'s under one entry "- pip:"',
            )
        for entry in self._file.dependencies:
            if entry.odd:
                self._oddity(entry, _ENTRIES)
            elif entry.by is EntryOwner.PIP:
                self._requirement(entry)
            else:
                self._spec(entry)

    def _spec(self, entry: EnvironmentEntry) -> None:
        where = self._where(entry)
        with self._pip.faults.collect(where):
            spec = parse_spec(entry.text, origin=where, only=self._only(entry))
            if spec.url and not _ADDRESS.match(spec.url):
                raise UsageError(
                    f"{shown(spec.url)} is a file of one machine: a lock pins what a channel lists",
                    f"write {shown(spec.name)}, and the channel it is in under channels",
                )
            if _OF_PIP.fullmatch(spec.build):
                self._from_pip(entry, spec)
            else:
                self._specs.append(spec)

    def _from_pip(self, entry: EnvironmentEntry, spec: CondaSpec) -> None:
        """What conda lists with the build pypi_0 was installed by pip."""
        version = spec.version.lstrip("=")
        plain = f"{spec.name}=={version}" if version not in {"", "*"} else spec.name
        self._note(entry, f"{safe(entry.text)} is read as pip's {plain}: its build says so")
        self._requirement(replace(entry, text=plain, by=EntryOwner.PIP))

    def _requirement(self, entry: EnvironmentEntry) -> None:
        where = self._where(entry)
        before = len(self._pip.requirements)
        options = len(self._pip.options)
        for _, line in logical_lines(entry.text):
            self._pip.take(self._pip.reader.line(self._path, line, where))
        for each in self._pip.options[options:]:
            self._untaken(entry, str(each.option))
        only = self._only(entry)
        if only:
            found = self._pip.requirements[before:]
            self._pip.requirements[before:] = [_for_platforms(each, only) for each in found]

    def _pip_option(self, entry: EnvironmentEntry, option: str) -> None:
        learn_url(option.partition(" ")[2])
        self._untaken(entry, option)

    def _untaken(self, entry: EnvironmentEntry, option: str) -> None:
        self._note(
            entry,
            f"{shown(option)} is not followed: an environment file does not choose where pip's"
            f" packages come from; the command line does: {safe(option)}",
        )

    def _only(self, entry: EnvironmentEntry) -> tuple[str, ...]:
        if not entry.selector:
            return ()
        only = selected(entry.selector)
        if not only:
            self._note(
                entry,
                f"{shown(entry.selector)} selects no platform of conda's:"
                f" {safe(entry.text)} counts on all of them",
            )
        return only or ()

    def _oddity(self, entry: EnvironmentEntry, remedy: str) -> None:
        if entry.lost:
            self._fault(entry, entry.odd, remedy)
        else:
            self._note(entry, entry.odd)

    def _fault(self, entry: EnvironmentEntry, message: str, *remedies: str) -> None:
        self._pip.faults.add(self._where(entry), message, *remedies)

    def _note(self, entry: EnvironmentEntry, text: str) -> None:
        self._notes.append((entry.line, text))

    def _where(self, entry: EnvironmentEntry) -> str:
        return f"{self._label}:{entry.line}"


def _for_platforms(wish: Requested, only: tuple[str, ...]) -> Requested:
    """Let a requirement count on some platforms alone, by its marker."""
    text = str(wish.requirement)
    head, _, own = text.partition(";")
    both = f"({own.strip()}) and ({marker(only)})" if own.strip() else marker(only)
    return replace(wish, requirement=Requirement(f"{head.rstrip()} ; {both}"))
