"""``environment.yml`` in the dialects of conda, mamba, conda-lock and kipoi.

Entries are read from the YAML nodes, so that every note has its line and no
tag is ever constructed. Pure apart from reading the files that it includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.conda_spec import CondaSpec, parse_conda_spec
from envlock.examine.gathered import FRAMEWORKS, Gathered, Given, only_minor
from envlock.examine.places import folder_platform
from envlock.examine.requirement_lines import RequirementLines
from envlock.findings import Examined, Kind
from envlock.request.parsed import safe, shown

#: A node of yaml, which is imported when it is needed.
_Node: TypeAlias = Any

_COMMENT_SELECTOR = re.compile(r"#\s*\[([\w-]+)\]\s*$")
_SELECTOR = re.compile(r"sel\((\w+)\)")
_SYSTEMS = {"linux": "linux", "osx": "macos", "win": "windows", "unix": "linux macos"}
_MACHINES = {"64": "x86_64", "arm64": "arm64", "-arm64": "arm64", "-aarch64": "aarch64"}


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
        self._text = text
        self._lines = text.splitlines()
        self._pip = RequirementLines(gathered=self.gathered)
        self._by_conda: set[str] = set()

    def read(self) -> None:
        """Take in the whole file."""
        root = self._compose()
        members = dict(_members(root))
        if "dependencies" not in members:
            raise UsageError(
                f"{self._path}:1: not an environment file: it has no list of dependencies"
            )
        self._note_tags(root)
        self._variables(members.get("variables"))
        prefix = members.get("prefix")
        if prefix is not None and isinstance(prefix.value, str):
            self.gathered.platform = folder_platform(prefix.value)
        self._dependencies(members["dependencies"])
        self.gathered.manager = self._manager()

    def _compose(self) -> _Node:
        import yaml  # noqa: PLC0415  (10 ms that other files do not need)

        try:
            return yaml.compose(self._text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            raise UsageError(f"{self._path}{line}: not YAML: {error.problem}") from None
        except (yaml.YAMLError, RecursionError) as error:
            reason = safe(" ".join(str(error).split()))
            raise UsageError(f"{self._path}: not YAML: {reason}") from None

    def _dependencies(self, node: _Node) -> None:
        if isinstance(node.value, str):
            if node.value not in {"", "null", "~"}:
                raise UsageError(f"{self._where(node)}: dependencies is not a list")
        elif node.id == "mapping":
            self._map(node)
        else:
            for item in node.value:
                self._entry(item)

    def _map(self, node: _Node) -> None:
        """A map of lists, one for each installer, as kipoi has it."""
        for key, value in _members(node):
            if key == "conda" and value.id == "sequence":
                self._dependencies(value)
            elif key == "pip":
                self._pip_section(value)
            else:
                self.gathered.note(self._where(value), f"{shown(key)} is not read: no installer")

    def _entry(self, node: _Node) -> None:
        if node.id == "scalar":
            self._scalar(node)
        elif node.id == "mapping":
            for key, value in _members(node):
                selector = _SELECTOR.fullmatch(key)
                if selector is not None and value.id == "scalar":
                    self._selected(selector[1], value)
                elif key in {"pip", "uv"}:
                    self._pip_section(value)
                else:
                    self.gathered.note(self._where(value), f"{shown(key)} is not an installer")
        else:
            self.gathered.note(self._where(node), "a list inside the list is not read")

    def _scalar(self, node: _Node) -> None:
        text = node.value.strip()
        selector = _COMMENT_SELECTOR.search(self._line(node))
        if not text or node.tag.endswith(":null"):
            self.gathered.note(self._where(node), "an empty entry is left out")
        elif selector is not None:
            self._selected(selector[1], node)
        else:
            self._conda(text, self._where(node))

    def _selected(self, selector: str, node: _Node) -> None:
        """An entry for one system: it counts where that system is the one that is meant."""
        if self._is_meant(selector):
            self._conda(node.value.strip(), self._where(node))
        else:
            text = f"{shown(node.value)} is left out: it is for {selector} only"
            self.gathered.note(self._where(node), text)

    def _is_meant(self, selector: str) -> bool:
        platform = self.gathered.given.platform
        match = re.fullmatch(r"(linux|osx|win|unix)(.*)", selector)
        if platform is None or match is None:
            return match is None and selector not in _MACHINES
        machine = _MACHINES.get(match[2], "")
        return platform.system in _SYSTEMS[match[1]] and machine in {"", platform.machine}

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

    def _pip_section(self, node: _Node) -> None:
        items = [node] if isinstance(node.value, str) else node.value
        for item in items:
            if item.id != "scalar":
                self.gathered.note(self._where(item), "this entry is not a requirement")
                continue
            selector = _COMMENT_SELECTOR.search(self._line(item))
            if selector is not None and not self._is_meant(selector[1]):
                text = f"{shown(item.value)} is left out: it is for {selector[1]} only"
                self.gathered.note(self._where(item), text)
            elif item.value.strip():
                self._pip.line(item.value.strip(), self._where(item), self._path.parent)

    def _variables(self, node: _Node) -> None:
        for key, value in _members(node):
            if value.id == "scalar":
                self.gathered.variables[key] = value.value

    def _manager(self) -> str | None:
        """Pip or conda: who brings the framework; None when both bring some of it."""
        named = FRAMEWORKS & self.gathered.mentions.keys()
        by_conda = named & self._by_conda
        if not named:
            return "conda" if self._by_conda else "pip"
        return "conda" if by_conda == named else None if by_conda else "pip"

    def _note_tags(self, root: _Node) -> None:
        for node in _walk(root):
            if node.tag.startswith(("tag:yaml.org,2002:python/", "!")):
                tag = node.tag.replace("tag:yaml.org,2002:", "!!")
                self.gathered.note(self._where(node), f"the tag {safe(tag)} is not followed")

    def _where(self, node: _Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"

    def _line(self, node: _Node) -> str:
        number = node.start_mark.line
        return self._lines[number] if number < len(self._lines) else ""


def _members(node: _Node) -> Iterator[tuple[str, _Node]]:
    if node is not None and node.id == "mapping":
        yield from ((str(key.value), value) for key, value in node.value)


def _walk(root: _Node) -> Iterator[_Node]:
    """Every node once, anchors and their aliases together."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if node.id == "mapping":
            waiting.extend(part for pair in node.value for part in pair)
        elif node.id == "sequence":
            waiting.extend(node.value)


def _python(spec: CondaSpec) -> Version | None:
    return spec.version or only_minor(spec.specifier)
