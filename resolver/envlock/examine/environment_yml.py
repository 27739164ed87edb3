"""``environment.yml``, in all its dialects, as far as it can be understood.

Pure apart from reading the files that it includes.
"""

from __future__ import annotations

from pathlib import Path

from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.conda_spec import PypiSpec, parse_conda_spec
from envlock.examine.gathered import Gathered, Given, only_minor
from envlock.examine.places import folder_platform
from envlock.examine.requirement_lines import RequirementLines
from envlock.findings import Examined, Kind
from envlock.request.environment_yml import By, Entry, parse_environment_yml
from envlock.request.parsed import shown
from envlock.request.selectors import is_for, selected
from envlock.rules.frameworks import framework


def examine_environment_yml(path: Path, text: str, given: Given) -> Examined:
    """Examine a conda environment file; ``path`` is for notes and includes.

    Raises:
        UsageError: it is not YAML, or not an environment file; with the line.
    """
    reader = _Reader(path, text, given)
    reader.read()
    return reader.gathered.examined(Kind.FILE)


class _Reader:
    def __init__(self, path: Path, text: str, given: Given) -> None:
        self.gathered = Gathered(origin=str(path), given=given)
        self._path = path
        self._file = parse_environment_yml(str(path), text)
        self._pip = RequirementLines(gathered=self.gathered)
        self._by_conda: set[str] = set()

    def read(self) -> None:
        """Take in the whole file."""
        for entry in self._file.odd:
            self.gathered.note(self._where(entry), entry.odd)
        for key, entry in self._file.variables.items():
            self.gathered.variables[key] = entry.text
        if "prefix" in self._file.values:
            self.gathered.platform = folder_platform(self._file.values["prefix"].text)
        for entry in self._file.dependencies:
            if entry.odd:
                self.gathered.note(self._where(entry), entry.odd)
            elif not self._is_meant(entry.selector):
                text = f"{shown(entry.text)} is left out: it is for {entry.selector} only"
                self.gathered.note(self._where(entry), text)
            elif entry.by is By.PIP:
                self._pip.line(entry.text, self._where(entry), self._path.parent)
            else:
                self._conda(entry.text, self._where(entry))
        self.gathered.manager = self._manager()

    def _is_meant(self, selector: str) -> bool:
        """An entry for one system counts where that system is the one that is meant."""
        only = selected(selector) if selector else None
        platform = self.gathered.given.platform
        return only is None or (platform is not None and is_for(only, platform))

    def _conda(self, text: str, where: str) -> None:
        try:
            spec = parse_conda_spec(text)
        except UsageError as error:
            self.gathered.note(where, error.message)
            return
        if spec.name == "python":
            self.gathered.python = _python(spec) or self.gathered.python
            return
        self._by_conda.add(spec.name)
        if spec.version is not None:
            self.gathered.pin(spec.name, spec.version, where)
        else:
            self.gathered.bound(spec.name, spec.specifier, where)

    def _manager(self) -> str | None:
        """Pip or conda: who brings the framework; None when both bring some of it."""
        named = framework().decisive & self.gathered.mentions.keys()
        by_conda = named & self._by_conda
        if not named:
            return "conda" if self._by_conda else "pip"
        return "conda" if by_conda == named else None if by_conda else "pip"

    def _where(self, entry: Entry) -> str:
        return f"{self._path}:{entry.line}"


def _python(spec: PypiSpec) -> Version | None:
    return spec.version or only_minor(spec.specifier)
