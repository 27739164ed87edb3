"""``setup.py``, ``setup.cfg`` and ``tox.ini``: what a project asks for, read and never run. Pure.

Sources: setuptools' "Keywords" and "Declarative config" (``file:``, dangling
lists), tox's "deps" (``factor: requirement``, ``-r``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from envlock.errors import UsageError
from envlock.formats.declarations import By, Declaration, line_of, place
from envlock.formats.sources import python_tree, read_settings

_FURTHEST = 3  # names that lead from one to the other to the file of a list
_DEEPEST = 200  # of nested expressions: what a person writes has a handful
_INSTALL, _EXTRAS, _PYTHON = "install_requires", "extras_require", "python_requires"
_LIST_FILE = re.compile(r"[\w./-]*\.(?:txt|in)")
_LITERAL = re.compile(r"\binstall_requires\s*=\s*(\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\])")
_FACTOR = re.compile(r"([\w.,!{}-]+):\s+(\S.*)")
_FILE = re.compile(r"file:\s*(.+)", re.DOTALL)


class _Unknown(Exception):
    """Only running the file would tell."""


def of_setup_py(path: Path, text: str) -> Iterator[Declaration]:
    """Yield what the call of ``setup()`` in a file names."""
    tree = python_tree(text)
    if tree is None:
        yield from _unparsed(path, text)
        return
    script = _Script(path, tree)
    for call in script.setups():
        for keyword in call.keywords:
            if keyword.arg in {_INSTALL, _EXTRAS, _PYTHON}:
                yield from script.declared(keyword.arg, keyword.value)


def about_setup_py(path: Path, text: str) -> dict[str, str]:
    """Return the name and version that the call of ``setup()`` in a file says plainly."""
    tree = python_tree(text)
    script = None if tree is None else _Script(path, tree)
    found: dict[str, str] = {}
    for call in script.setups() if script is not None else ():
        for keyword in call.keywords:
            if keyword.arg in {"name", "version"}:
                with suppress(_Unknown):
                    found[keyword.arg] = script.text(keyword.value) if script else ""
    return found


def _unparsed(path: Path, text: str) -> Iterator[Declaration]:
    """What a file for another Python says plainly."""
    lines = text.splitlines()
    fault = UsageError("this is no Python that envlock can read: what is computed is not seen")
    yield Declaration(where=str(path), text="", fault=fault)
    for found in _LITERAL.finditer(text):
        tree = python_tree(found[1])
        for node in ast.walk(tree) if tree is not None else ():
            match node:
                case ast.Constant(value=str(each)):
                    yield Declaration(where=place(path, line_of(lines, each)), text=each)
                case _:
                    pass


class _Script:
    """A script as its syntax tree: names that are given a value once, functions by name."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self._path = path
        self._tree = tree
        self._values: dict[str, ast.expr] = {}
        self._functions: dict[str, ast.FunctionDef] = {}
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._values[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._values[name] = value
                case ast.FunctionDef(name=name):
                    self._functions[name] = node
                case _:
                    pass

    def setups(self) -> Iterator[ast.Call]:
        """The calls of setup(), also as an attribute of setuptools or distutils."""
        for node in ast.walk(self._tree):
            match node:
                case ast.Call(func=ast.Name(id="setup") | ast.Attribute(attr="setup")):
                    yield node
                case _:
                    pass

    def text(self, value: ast.expr) -> str:
        """The text of an expression; raises where only running the file would tell it."""
        return self._text(value, 0)

    def declared(self, key: str, value: ast.expr) -> Iterator[Declaration]:
        """What one keyword of setup() says."""
        where = place(self._path, value.lineno)
        try:
            if key == _PYTHON:
                for text, line in self._texts(value):
                    yield Declaration(where=place(self._path, line), text=text, by=By.PYTHON)
            elif key == _EXTRAS:
                yield from self._extras(value)
            else:
                for text, line in self._texts(value):
                    yield Declaration(where=place(self._path, line), text=text)
        except _Unknown:
            names = sorted(self._lists(value, 0))
            for name in names:
                yield Declaration(where=where, text=f"-r {name}")
            if not names:
                fault = UsageError(f"{key} is computed: only a build of the project would tell it")
                yield Declaration(where=where, text="", fault=fault)

    def _extras(self, value: ast.expr) -> Iterator[Declaration]:
        table = self._meant(value)
        if not isinstance(table, ast.Dict):
            raise _Unknown
        for name, items in zip(table.keys, table.values, strict=True):
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                continue
            try:
                found = [*self._texts(items)]
            except _Unknown:
                continue  # extras are put together of others: those are read
            for text, line in found:
                where = place(self._path, line)
                yield Declaration(where=where, text=text, optional=name.value)

    def _meant(self, value: ast.expr) -> ast.expr:
        seen = 0
        while isinstance(value, ast.Name) and value.id in self._values and seen < _DEEPEST:
            value, seen = self._values[value.id], seen + 1
        return value

    def _texts(self, value: ast.expr, depth: int = 0) -> Iterator[tuple[str, int]]:
        """The texts that an expression stands for, each with its line; one text is its lines."""
        if depth > _DEEPEST:
            raise _Unknown
        value = self._meant(value)
        match value:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                for item in items:
                    inner = item.value if isinstance(item, ast.Starred) else item
                    yield from self._texts(inner, depth + 1)
            case ast.BinOp(op=ast.Add(), left=left, right=right) if self._is_list(left):
                yield from self._texts(left, depth + 1)
                yield from self._texts(right, depth + 1)
            case ast.Call(func=ast.Name(id="list" | "sorted" | "set" | "tuple"), args=[inner]):
                yield from self._texts(inner, depth + 1)
            case _:
                for number, line in enumerate(self._text(value, depth).splitlines()):
                    if line.strip():
                        yield line.strip(), value.lineno + number

    def _is_list(self, value: ast.expr) -> bool:
        meant = self._meant(value)
        return isinstance(meant, ast.List | ast.Tuple) or (
            isinstance(meant, ast.BinOp) and self._is_list(meant.left)
        )

    def _text(self, value: ast.expr, depth: int) -> str:
        """The text of an expression of constants and names.

        Raises:
            _Unknown: it is more than that.
        """
        value = self._meant(value)
        if depth > _DEEPEST:
            raise _Unknown
        match value:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=parts):
                return "".join(self._text(part, depth + 1) for part in parts)
            case ast.FormattedValue(value=inner):
                return self._text(inner, depth + 1)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._text(left, depth + 1) + self._text(right, depth + 1)
            case _:
                raise _Unknown

    def _lists(self, value: ast.expr, depth: int) -> set[str]:
        """The files of requirements that are named where a value comes from."""
        found: set[str] = set()
        near = depth < _FURTHEST
        for node in ast.walk(value):
            match node:
                case ast.Constant(value=str(text)) if _LIST_FILE.fullmatch(text):
                    found.add(text)
                case ast.Name(id=name) if name in self._values and near:
                    found |= self._lists(self._values[name], depth + 1)
                case ast.Call(func=ast.Name(id=name)) if name in self._functions and near:
                    for inner in self._functions[name].body:
                        found |= _constants(inner)
        return found


def _constants(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant)
        and isinstance(each.value, str)
        and _LIST_FILE.fullmatch(each.value)
    }


def of_setup_cfg(path: Path, text: str) -> Iterator[Declaration]:
    """Yield what ``[options]`` of a setup.cfg asks for.

    Raises:
        UsageError: it is no file of settings.
    """
    sections, lines = read_settings(str(path), text), text.splitlines()
    options = sections.get("options", {})
    yield from _listed(path, lines, options.get(_INSTALL, ""))
    if python := options.get(_PYTHON, "").strip():
        where = place(path, line_of(lines, python))
        yield Declaration(where=where, text=python, by=By.PYTHON)
    for extra, value in sections.get("options.extras_require", {}).items():
        yield from _listed(path, lines, value, extra)


def _listed(path: Path, lines: list[str], value: str, extra: str = "") -> Iterator[Declaration]:
    file = _FILE.fullmatch(value.strip())
    if file is not None:
        for name in re.split(r"[,\s]+", file[1].strip()):
            where = place(path, line_of(lines, name))
            yield Declaration(where=where, text=f"-r {name}", optional=extra)
        return
    for item in re.split(r"\n|(?<!\s);(?=[A-Za-z])", value):
        entry = item.partition(" #")[0].strip()
        if entry and not entry.startswith("#"):
            where = place(path, line_of(lines, entry))
            yield Declaration(where=where, text=entry, optional=extra)


def of_tox(path: Path, text: str) -> Iterator[Declaration]:
    """Yield the ``deps`` of the environments of a tox.ini.

    Those of ``[testenv]`` without a factor are everybody's; the others each
    belong to an environment.

    Raises:
        UsageError: it is no file of settings.
    """
    lines = text.splitlines()
    for name, keys in read_settings(str(path), text).items():
        if name != "testenv" and not name.startswith("testenv:"):
            continue
        for item in keys.get("deps", "").splitlines():
            entry = item.partition(" #")[0].strip()
            factor = _FACTOR.fullmatch(entry)
            if not entry or entry.startswith("#") or "{[" in entry or "{posargs" in entry:
                continue
            words = (factor[2] if factor else entry).replace("{toxinidir}/", "")
            optional = factor[1] if factor else name.partition(":")[2]
            where = place(path, line_of(lines, entry))
            yield Declaration(where=where, text=_short(words), optional=optional)


def _short(words: str) -> str:
    """``-rfile`` as ``-r file``."""
    return f"{words[:2]} {words[2:].strip()}" if words[:2] in {"-r", "-c"} else words
