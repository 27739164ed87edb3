"""What the project in a folder says of itself: name, version, needs. Nothing of it is run.

What a source archive says counts first (PEP 643), then ``[project]`` of a
pyproject.toml (PEP 621), then Poetry's tables, then ``setup.cfg`` and
``setup.py``, which are read as far as they are plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.version import Version

from envlock import standards
from envlock.documents import read_toml
from envlock.formats.declarations import By, Declaration
from envlock.formats.pyproject import Project
from envlock.formats.requirements import RequirementsReader
from envlock.formats.setup_files import about_setup_py, of_setup_cfg, of_setup_py
from envlock.formats.sources import read_settings
from envlock.system import read_text
from envlock.system.looking import is_file

_PACKED = "PKG-INFO"
#: Since this version of metadata what is not said to be dynamic is what a build gives (PEP 643).
_SINCE = Version("2.2")
_COUNTING = frozenset({"requires-dist", "provides-extra", "requires-python"})
_FILES = ("pyproject.toml", "setup.cfg", "setup.py")


class Declared(Struct, frozen=True, kw_only=True):
    """What a project says; ``name`` and ``version`` are "" where only a build would tell them.

    ``requires`` are PEP 508 texts, those of an extra with a marker that says so.
    ``fault`` says what of the needs only a build would tell, "" where all is told.
    """

    is_project: bool = True
    name: str = ""
    version: str = ""
    python: str = ""
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    fault: str = ""

    def metadata(self, name: str, version: str) -> bytes:
        """Return it as the metadata of a wheel have it."""
        fields = (
            ("Metadata-Version", "2.1"),
            ("Name", name),
            ("Version", version),
            *((("Requires-Python", self.python),) if self.python else ()),
            *(("Requires-Dist", each) for each in self.requires),
            *(("Provides-Extra", each) for each in self.extras),
        )
        return "".join(f"{key}: {' '.join(value.split())}\n" for key, value in fields).encode()


def declared(folder: Path) -> Declared:
    """Read what the project in a folder says of itself.

    Raises:
        UsageError: a file of it cannot be read.
    """
    texts = {name: read_text(folder / name) for name in _FILES if is_file(folder / name)}
    if (packed := _of_packed(folder / _PACKED)) is not None:
        return packed
    if not texts:
        return Declared(is_project=False)
    if "pyproject.toml" in texts:
        path, text = folder / "pyproject.toml", texts["pyproject.toml"]
        tables = read_toml(str(path), text)
        if isinstance(tables.get("project"), dict):
            return _of_project(tables["project"], Project(path, text))
        if Project(path, text).poetry:
            return _of_poetry(Project(path, text))
    return _of_setup(folder, texts)


def _of_packed(file: Path) -> Declared | None:
    """What a source archive says beside its files, where it says that a build says the same."""
    text = read_text(file) if is_file(file) else ""
    said = HeaderParser().parsestr(text)
    since = standards.version(str(said["Metadata-Version"] or ""))
    dynamic = {str(each).lower() for each in said.get_all("Dynamic", [])}
    if since is None or since < _SINCE or dynamic & _COUNTING:
        return None
    return Declared(
        name=str(said["Name"] or ""),
        version=str(said["Version"] or ""),
        python=str(said["Requires-Python"] or ""),
        requires=tuple(map(str, said.get_all("Requires-Dist", []))),
        extras=tuple(map(str, said.get_all("Provides-Extra", []))),
    )


def _of_project(table: Mapping[str, Any], project: Project) -> Declared:
    dynamic = table.get("dynamic")
    names = {*map(str, dynamic)} if isinstance(dynamic, list) else set[str]()
    unknown = [key for key in ("dependencies", "optional-dependencies") if key in names]
    extras = table.get("optional-dependencies")
    optional = extras if isinstance(extras, dict) else {}
    python = table.get("requires-python")
    if "dependencies" in names and project.poetry:
        return replace(_of_poetry(project), version=_text(table, "version"))
    return Declared(
        name=_text(table, "name"),
        version=_text(table, "version"),
        python=python if isinstance(python, str) else "",
        requires=tuple(_needs(table.get("dependencies"), optional)),
        extras=tuple(optional),
        fault=f"its {' and '.join(unknown)} are dynamic" if unknown else "",
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _needs(own: object, optional: Mapping[str, object]) -> Iterator[str]:
    for each in own if isinstance(own, list) else ():
        yield str(each)
    for extra, needs in optional.items():
        for each in needs if isinstance(needs, list) else ():
            yield _under(str(each), extra)


def _under(need: str, extra: str) -> str:
    """A need of an extra, with the marker that says so."""
    text, semicolon, marker = need.partition(" ;" if "://" in need else ";")
    both = f"({marker.strip()}) and extra == '{extra}'" if semicolon else f"extra == '{extra}'"
    return f"{text.strip()} ; {both}"


def _of_poetry(project: Project) -> Declared:
    entries = [*project.dependencies(optional=True)]
    faults = [f"{each.text} is at a place of Poetry's" for each in entries if each.fault]
    python = project.requires_python()
    return Declared(
        name=_text(project.poetry, "name"),
        version=_text(project.poetry, "version"),
        python=str(python) if python is not None else "",
        requires=tuple(str(each.requirement) for each in entries if each.requirement),
        fault="; ".join(faults),
    )


def _of_setup(folder: Path, texts: Mapping[str, str]) -> Declared:
    about: dict[str, str] = {}
    found: list[Declaration] = []
    if (text := texts.get("setup.cfg")) is not None:
        table = read_settings(str(folder / "setup.cfg"), text).get("metadata", {})
        about = {key: table.get(key, "") for key in ("name", "version")}
        found += of_setup_cfg(folder / "setup.cfg", text)
    if (text := texts.get("setup.py")) is not None:
        about |= about_setup_py(folder / "setup.py", text)
        found += of_setup_py(folder / "setup.py", text)
    version = standards.version(about.get("version", ""))
    own, fault = _listed(folder, (each for each in found if not each.optional))
    extras = dict.fromkeys(each.optional for each in found if each.optional)
    of_extras = {
        extra: _listed(folder, (each for each in found if each.optional == extra))[0]
        for extra in extras
    }
    python = ",".join(each.text for each in found if each.by is By.PYTHON)
    return Declared(
        name=about.get("name", ""),
        version=str(version or ""),
        python=python if standards.specifiers(python) is not None else "",
        requires=(*own, *(_under(each, extra) for extra in extras for each in of_extras[extra])),
        extras=tuple(extras),
        fault=fault,
    )


def _listed(folder: Path, found: Iterable[Declaration]) -> tuple[tuple[str, ...], str]:
    """The needs of declarations, files that they name followed; and what cannot be told."""
    reader, needs, faults = RequirementsReader(root=folder), list[str](), list[str]()
    for each in found:
        if each.fault is not None:
            faults.append(each.fault.message)
        elif each.by is By.PIP:
            for line in reader.line(folder / "setup.py", each.text, each.where):
                wish = line.requirement or standards.requirement(line.text)
                needs += [str(wish)] if wish is not None else []
                faults += [line.fault.message] if line.fault is not None and wish is None else []
    return tuple(needs), "; ".join(dict.fromkeys(faults))
