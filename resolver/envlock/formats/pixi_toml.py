"""``pixi.toml`` and ``[tool.pixi]``: what an environment of pixi's asks for. Pure.

Source: pixi's documentation, "pixi.toml": ``[dependencies]`` in conda's words,
``[pypi-dependencies]`` in PEP 440's, ``[feature.NAME]`` and ``[target.NAME]``
beside them; "Package specification": ``[package]``, whose tables of what it is
built and run with may hold others under ``if(…)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from envlock.documents import read_toml
from envlock.formats.declarations import By, Declaration, line_of, place
from envlock.formats.pipfile import of_pypi, table

#: Tables in conda's words, and what is for another time than the run.
_OF_CONDA = {
    "dependencies": "",
    "run-dependencies": "",
    "host-dependencies": "host",
    "build-dependencies": "build",
}


def of_pixi_toml(path: Path, text: str) -> Iterator[Declaration]:
    """Yield what a pixi.toml asks for; features are groups.

    Raises:
        UsageError: it is not TOML.
    """
    yield from of_pixi_tables(path, text, read_toml(str(path), text))


def of_pixi_tables(path: Path, text: str, tables: Mapping[str, Any]) -> Iterator[Declaration]:
    """Yield what pixi's tables ask for, those of a pixi.toml or of ``[tool.pixi]``."""
    lines = text.splitlines()
    yield from _of_feature(path, lines, tables, "")
    for name, feature in table(tables, "feature").items():
        if isinstance(feature, dict):
            yield from _of_feature(path, lines, feature, str(name))
    yield from _of_feature(path, lines, table(tables, "package"), "package")


def _of_feature(
    path: Path, lines: list[str], tables: Mapping[str, Any], group: str
) -> Iterator[Declaration]:
    for key, time in _OF_CONDA.items():
        yield from _of_conda(path, lines, table(tables, key), _within(group, time))
    for name, value in table(tables, "pypi-dependencies").items():
        yield of_pypi(str(name), value, place(path, line_of(lines, str(name))), group)
    for system, target in table(tables, "target").items():
        if isinstance(target, dict):
            told = _within(group, str(system))
            yield from _of_feature(path, lines, {**target, "target": {}}, told)


def _of_conda(
    path: Path, lines: list[str], entries: Mapping[str, Any], group: str
) -> Iterator[Declaration]:
    for name, value in entries.items():
        if name.startswith("if("):
            under = {key: own for key, own in table(entries, name).items() if key[:3] != "if("}
            yield from _of_conda(path, lines, under, _within(group, name))
            continue
        where = place(path, line_of(lines, str(name)))
        version = value.get("version", "*") if isinstance(value, dict) else value
        told = version if isinstance(version, str) else "*"
        if name == "python":
            yield Declaration(where=where, text=_python(told), by=By.PYTHON, optional=group)
        else:
            spec = str(name) if told.strip() in {"", "*"} else f"{name} {told}"
            yield Declaration(where=where, text=spec, by=By.CONDA, optional=group)


def _within(group: str, inner: str) -> str:
    return ", ".join(filter(None, (group, inner)))


def _python(told: str) -> str:
    """A range of Pythons as PEP 440 has it: conda's bare ``3.11`` and ``=3.11`` are a prefix."""
    bare = told.strip().lstrip("=").strip()
    if told.strip() in {"", "*"}:
        return ""
    if bare[:1].isdigit() and "," not in told and "|" not in told:
        return f"=={bare.removesuffix('.*')}.*"
    return told
