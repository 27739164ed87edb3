"""One Python module → what it binds, by its syntax tree. Pure; nothing is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

#: What gives a module's names as a mapping, through which any can be made.
_NAMESPACES = frozenset({"globals", "locals", "vars"})


class Import(Struct, frozen=True):
    """A name that stands for a module, or for a name in it."""

    module: str
    name: str | None = None

    @property
    def whole(self) -> str:
        """The dotted name that is imported."""
        return f"{self.module}.{self.name}" if self.name else self.module


class Reference(Struct, frozen=True):
    """A name that stands for another of the same module, dotted."""

    name: str


class Function(Struct, frozen=True):
    """A function and its parameters, as `signature` writes them."""

    parameters: str


class Class(Struct, frozen=True):
    """A class: its bases as written, and what it and its methods bind.

    ``dynamic`` says that its attributes cannot be listed (``__getattr__``).
    """

    bases: tuple[str, ...]
    members: Mapping[str, str]
    dynamic: bool


class Value(Struct, frozen=True):
    """Anything else; ``text`` is what a constant string holds."""

    text: str | None = None


class Star(Struct, frozen=True):
    """All public names of another module."""

    module: str


Binding = Import | Reference | Function | Class | Value


class Module(Struct):
    """What a module does to its namespace, in order, and its ``__all__`` where it is a list.

    A step is a name and its binding; a star with "" for its name; or a name
    that is deleted (None). The third part is whether it is weak: it does not
    replace another binding. A name with a dot is given to another module.
    """

    steps: list[tuple[str, Binding | Star | None, bool]] = field(default_factory=list)
    listed: list[str] | None = None
    listed_from: list[str] = field(default_factory=list)
    dynamic: bool = False


def read_module(text: str | bytes, name: str, *, package: bool) -> Module:
    """Return what a module binds; one that is no Python for us is dynamic and empty."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return Module(dynamic=True)
    return _Reader(name if package else name.rpartition(".")[0]).read(tree)


def signature(arguments: ast.arguments, *, bound: bool = False) -> str:
    """Return parameters as in ``x,/,y,z=,*args,key=,**rest``; ``bound`` drops the first."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    shown = []
    for index, each in enumerate(positional):
        shown.append(each.arg + ("=" if index >= required else ""))
        if index + 1 == len(arguments.posonlyargs):
            shown.append("/")
    if bound and positional:
        del shown[0]
    if arguments.vararg or arguments.kwonlyargs:
        shown.append("*" + (arguments.vararg.arg if arguments.vararg else ""))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        shown.append(each.arg + ("=" if default else ""))
    if arguments.kwarg:
        shown.append("**" + arguments.kwarg.arg)
    return ",".join(shown)


class _Reader:
    """Walks the statements of one module; ``home`` is the package that dots start from."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._found = Module()

    def read(self, tree: ast.Module) -> Module:
        self._walk(tree.body, weak=False)
        return self._found

    def _walk(self, body: Iterable[ast.stmt], *, weak: bool) -> None:
        for statement in body:
            match statement:
                case ast.If(test=test) if _name_of(test).rpartition(".")[2] == "TYPE_CHECKING":
                    self._walk(statement.orelse, weak=weak)
                case ast.If() | ast.For() | ast.While():
                    self._walk(statement.body, weak=weak)
                    self._walk(statement.orelse, weak=True)
                case ast.Try():
                    self._walk((*statement.body, *statement.orelse), weak=weak)
                    for handler in statement.handlers:
                        self._walk(handler.body, weak=True)
                    self._walk(statement.finalbody, weak=weak)
                case ast.With():
                    self._walk(statement.body, weak=weak)
                case _:
                    self._statement(statement, weak=weak)

    def _statement(self, statement: ast.stmt, *, weak: bool) -> None:
        match statement:
            case ast.ImportFrom():
                self._import_from(statement, weak=weak)
            case ast.Import(names=aliases):
                for alias in aliases:
                    name = alias.asname or alias.name.partition(".")[0]
                    self._bind(name, Import(alias.name if alias.asname else name), weak=weak)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._found.dynamic |= statement.name == "__getattr__"
                self._bind(statement.name, Function(signature(statement.args)), weak=weak)
            case ast.ClassDef():
                self._bind(statement.name, read_class(statement), weak=weak)
            case ast.Delete(targets=targets):
                names = [each.id for each in targets if isinstance(each, ast.Name)]
                self._found.steps.extend((name, None, weak) for name in names)
            case _:
                self._assignment(statement, weak=weak)

    def _assignment(self, statement: ast.stmt, *, weak: bool) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, weak=weak)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value, weak=weak)
            case ast.AugAssign(target=ast.Name("__all__"), value=value):
                self._list(value)
            case ast.Expr(value=ast.Call() as call):
                self._call(call, weak=weak)
            case _:
                pass

    def _bind(self, name: str, what: Binding, *, weak: bool) -> None:
        if what != Reference(name):
            self._found.steps.append((name, what, weak))

    def _import_from(self, statement: ast.ImportFrom, *, weak: bool) -> None:
        module = self._absolute(statement.module or "", statement.level)
        if module == "__future__":
            return
        for alias in statement.names:
            if alias.name == "*":
                self._found.steps.append(("", Star(module), weak))
            else:
                self._bind(alias.asname or alias.name, Import(module, alias.name), weak=weak)

    def _absolute(self, module: str, level: int) -> str:
        if not level:
            return module
        parts = self._home.split(".")
        return ".".join((*parts[: len(parts) - level + 1], *filter(None, [module])))

    def _assign(self, target: ast.expr, value: ast.expr, *, weak: bool) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._assign(each, ast.Constant(None), weak=weak)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Call):
            self._found.dynamic |= _name_of(target.value.func) in _NAMESPACES
        elif isinstance(target, ast.Attribute) and _name_of(target):
            self._bind(_name_of(target), self._value(value), weak=weak)
        elif isinstance(target, ast.Name):
            if target.id == "__all__":
                self._found.listed = []
                self._list(value)
            else:
                self._bind(target.id, self._value(value), weak=weak)

    def _value(self, value: ast.expr) -> Binding:
        dotted = _name_of(value)
        if dotted:
            return Reference(dotted)
        if isinstance(value, ast.Call) and _name_of(value.func).endswith("LazyLoader"):
            target = self._text(value.args[2]) if len(value.args) > 2 else None  # noqa: PLR2004  (local name, globals, module)
            if target:
                return Import(target)
        return Value(self._text(value))

    def _text(self, value: ast.expr) -> str | None:
        """What a string is: a constant, a name of one, or a sum of them."""
        match value:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                known = (what for key, what, _ in reversed(self._found.steps) if key == name)
                found = next(known, None)
                return found.text if isinstance(found, Value) else None
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                halves = self._text(left), self._text(right)
                return None if None in halves else "".join(filter(None, halves))
            case _:
                return None

    def _call(self, call: ast.Call, *, weak: bool) -> None:
        match call:
            case ast.Call(func=ast.Name("setattr"), args=[_, ast.Constant(value=str(name)), value]):
                self._bind(name, self._value(value), weak=weak)
            case ast.Call(func=ast.Name("setattr")):
                self._found.dynamic = True
            case ast.Call(func=ast.Attribute(ast.Call(func=ast.Name(name)), "update")):
                self._found.dynamic |= name in _NAMESPACES
            case ast.Call(
                func=ast.Attribute(ast.Name("__all__"), "extend" | "append"), args=[value]
            ):
                self._list(value)
            case _:
                pass

    def _list(self, value: ast.expr) -> None:
        """Add to ``__all__``; what cannot be read makes it no list."""
        if self._found.listed is None:
            return
        match value:
            case ast.List() | ast.Tuple() | ast.Constant():
                items = [value] if isinstance(value, ast.Constant) else value.elts
                texts = [self._text(item) for item in items]
                self._found.listed.extend(text for text in texts if text is not None)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                self._list(left)
                self._list(right)
            case ast.Attribute(attr="__all__", value=owner) if _name_of(owner):
                self._found.listed_from.append(_name_of(owner))
            case _:
                self._found.listed = None


def read_class(node: ast.ClassDef) -> Class:
    """Return a class; its members as tokens of the table, attributes of ``self`` included."""
    members: dict[str, str] = {}
    for name, token in _members(node.body):
        if not name.startswith("_") or name in {"__init__", "__call__"}:
            members.setdefault(name, token)
    for each in ast.walk(node):
        match each:
            case ast.Attribute(ast.Name("self"), name, ast.Store()) if not name.startswith("_"):
                members.setdefault(name, "v")
            case _:
                pass
    special = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    if "__init__" not in members and any(_is_dataclass(each) for each in node.decorator_list):
        members["__init__"] = f"f({_fields(node)})"
    return Class(
        bases=tuple(_bases(node)),
        members=members,
        dynamic=bool(special & {"__getattr__", "__getattribute__"}),
    )


def _members(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for each in body:
        match each:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield each.name, _method(each)
            case ast.ClassDef():
                yield each.name, "v"
            case ast.Assign(targets=targets):
                yield from ((each.id, "v") for each in targets if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(name)):
                yield name, "v"
            case ast.If() | ast.Try():
                yield from _members(each.body)
                yield from _members(each.orelse)
            case _:
                pass


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    kinds = {_name_of(each) for each in node.decorator_list}
    if any("property" in kind.lower() or kind.endswith((".setter", ".getter")) for kind in kinds):
        return "v"
    return f"f({signature(node.args, bound='staticmethod' not in kinds)})"


def _is_dataclass(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _name_of(called).rpartition(".")[2] == "dataclass"


def _fields(node: ast.ClassDef) -> str:
    return ",".join(
        each.target.id + ("=" if each.value else "")
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    )


def _bases(node: ast.ClassDef) -> Iterator[str]:
    """Return the bases as written; ``?`` for one that is computed."""
    for base in node.bases:
        made = isinstance(base, ast.Call) and _name_of(base.func).endswith("with_metaclass")
        for each in base.args[1:] if made and isinstance(base, ast.Call) else [base]:
            yield _name_of(each.value if isinstance(each, ast.Subscript) else each) or "?"


def _name_of(node: ast.expr) -> str:
    """Return a dotted name, or ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _name_of(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
