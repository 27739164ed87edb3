"""A syntax tree → the public names that it uses, aliases followed. Pure.

A name counts only where the tree leaves no doubt what it stands for: one that
is given a second meaning anywhere in the script stands for nothing, and what
stands behind a question about a version, or in a ``try`` that expects it to
fail, is what its author knows about.
"""

from __future__ import annotations

import ast

from envlock import names
from envlock.code.reading import Script
from envlock.findings import Use

_EXPECTED = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError"})
_ASKED = frozenset({"__version__", "VERSION", "version_info", "hasattr", "find_spec", "getattr"})
_MOST = 20_000  # uses of one script that are looked at


def uses(script: Script, where: str) -> tuple[Use, ...]:
    """Return each use of a name that a table may have, in the order of the lines."""
    reader = _Reader(script, where)
    reader.learn(script.tree)
    reader.visit(script.tree)
    return tuple(sorted(set(reader.found), key=lambda each: (each.line, each.column, each.dotted)))


class _Reader(ast.NodeVisitor):
    """Walks a tree twice: what each name stands for, and where it is used."""

    def __init__(self, script: Script, where: str) -> None:
        self._lines = script.lines
        self._where = where
        self._meant: dict[str, set[str]] = {}
        self._objects: dict[str, set[str]] = {}
        self._unknown: set[str] = set()
        self._called: set[ast.expr] = set()
        self.found: list[Use] = []

    def learn(self, tree: ast.Module) -> None:
        """Find out what each name stands for; a name with a meaning of its own stands for none."""
        waiting: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    self._import(node)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    waiting.append((name, value))
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    self._unknown.add(name)
                case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                    self._unknown.add(name)
                case ast.For(target=target) | ast.withitem(optional_vars=ast.expr() as target):
                    self._unknown |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
                case _:
                    pass
        for name, value in waiting:
            self._assigned(name, value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        """What an import gives names to; one of the script's own folder is nobody's."""
        for each in node.names:
            if isinstance(node, ast.Import):
                top = each.name.partition(".")[0]
                self._mean(each.asname or top, each.name if each.asname else top)
            elif node.module and not node.level:
                self._mean(each.asname or each.name, f"{node.module}.{each.name}")
            else:
                self._unknown.add(each.asname or each.name)

    def _mean(self, name: str, dotted: str) -> None:
        self._meant.setdefault(name, set()).add(dotted)

    def _assigned(self, name: str, value: ast.expr) -> None:
        """A second name of a name, an object of a class, or something that nobody knows."""
        if isinstance(value, ast.Call):
            made = self._dotted(value.func)
            if len(made) == 1 and name not in self._meant:
                self._objects.setdefault(name, set()).update(made)
                return
        known = self._dotted(value)
        if known and name not in self._objects:
            self._meant.setdefault(name, set()).update(known)
        else:
            self._unknown.add(name)

    def _dotted(self, node: ast.expr) -> set[str]:
        """The names that an expression of names and dots may stand for."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in self._unknown:
            return set()
        of_object = self._objects.get(node.id, set()) if parts else set()
        return {".".join((each, *parts)) for each in self._meant.get(node.id, ()) or of_object}

    def _use(self, node: ast.AST, dotted: set[str]) -> None:
        known = {names.public(each) for each in dotted}
        if len(known) != 1 or len(self.found) >= _MOST:  # either of two: its author knows
            return
        (one,) = known
        if names.distribution_of(one.partition("(")[0]) is None:
            return
        line = getattr(node, "lineno", 0)
        source = self._lines[line - 1].strip() if 0 < line <= len(self._lines) else ""
        column = getattr(node, "col_offset", 0) + 1
        self.found.append(
            Use(dotted=one, where=self._where, line=line, column=column, source=source)
        )

    def visit_Import(self, node: ast.Import) -> None:
        """``import a.b``."""
        for each in node.names:
            self._use(node, {each.name})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from a import b``."""
        module = node.module if node.module and not node.level else ""
        for each in node.names if module else ():
            self._use(node, {module if each.name == "*" else f"{module}.{each.name}"})

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """``a.b.c``, as a whole; what is set is the script's own."""
        found = self._dotted(node)
        if found and isinstance(node.ctx, ast.Load):
            if node in self._called or not self._is_object(node):
                self._use(node, found)
        elif not found:
            self.generic_visit(node)

    def _is_object(self, node: ast.expr) -> bool:
        """Whether it is a member of an object: one that is no method may be of its own making."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id not in self._meant

    def visit_Call(self, node: ast.Call) -> None:
        """The keywords of a call, beside the name of what is called."""
        self._called.add(node.func)
        for dotted in self._dotted(node.func):
            for each in node.keywords:
                if each.arg is not None:
                    self._use(each.value, {f"{dotted}({each.arg})"})
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        """What is expected to be missing is no fault; neither is what is done then.

        Who catches everything expects so of an import alone.
        """
        caught = {
            each.id
            for handler in node.handlers
            for each in ast.walk(handler.type or ast.Name(id="Exception"))
            if isinstance(each, ast.Name)
        }
        imports = any(isinstance(each, ast.Import | ast.ImportFrom) for each in node.body)
        if caught & _EXPECTED or (imports and "Exception" in caught):
            for each in (*node.orelse, *node.finalbody):
                self.visit(each)
            return
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """What stands behind a question about versions, its author knows about.

        So does who imports one thing or another.
        """
        asked = {
            each.attr if isinstance(each, ast.Attribute) else each.id
            for each in ast.walk(node.test)
            if isinstance(each, ast.Attribute | ast.Name)
        }
        imports = any(isinstance(each, ast.Import | ast.ImportFrom) for each in node.body)
        if not asked & _ASKED and not imports:
            self.generic_visit(node)
