"""The modules of a release → its public names, each with a token of the table. Pure.

A token says what a name is: ``m`` a module whose names are all listed, ``o``
one that can be imported and whose names are not, ``f(x,y=)`` a function,
``c(base,…)`` a class, ``v`` anything else, ``=other.name`` another name of
the same thing, in this distribution or in another one.
"""

from __future__ import annotations

import builtins
import heapq
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property

from msgspec import Struct

from tools.api_modules import (
    Binding,
    Class,
    Function,
    Import,
    Module,
    Reference,
    Star,
    Value,
    read_module,
)

#: How many names may stand for each other in a row.
_HOPS = 20


class Layout(Struct, frozen=True, kw_only=True):
    """Which modules of a distribution are for everybody.

    ``roots`` are its import packages. The names of the modules below ``public``
    are listed, and those of modules below ``behind`` where a public name leads
    there; not those with a run of parts that is in ``unlisted``. ``private``
    are parts that nobody is meant to write. ``foreign`` are the import packages
    of other distributions that have a table.
    """

    roots: tuple[str, ...]
    public: tuple[str, ...]
    behind: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    private: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def is_listed(self, module: str) -> bool:
        """Whether the names of a module are listed under the names that lead to it."""
        if any(_below(module, each) for each in self.behind):
            return not any(f".{each}." in f".{module}." for each in self.unlisted if "." in each)
        return self.is_public(module)

    def is_public(self, module: str) -> bool:
        """Whether the names of a module are listed under its own name."""
        if any(f".{each}." in f".{module}." for each in self.unlisted):
            return False
        place = max(
            (each for each in (*self.roots, *self.public) if _below(module, each)),
            key=len,
            default=None,
        )
        if place is None or (place not in self.public and module != place):
            return False
        rest = module[len(place) :].split(".")
        return not any(part.startswith("_") for part in rest)

    def is_made(self, module: str) -> bool:
        """Whether a module is a generated list of public names."""
        return any(_below(module, each) for each in self.behind) or (
            bool(self.behind) and module in self.roots
        )

    def rank(self, name: str) -> tuple[bool, int, int, str]:
        """Return what names of one thing are sorted by: the one that people write is first."""
        parts = name.split(".")
        hidden = any(each.startswith("_") or each in self.private for each in parts)
        return hidden, len(parts), len(name), name


class Identity(Struct, frozen=True):
    """One thing, however it is called: a module ("" for ``name``) or what it defines.

    ``known`` is whether the module belongs to the distribution.
    """

    module: str
    name: str
    known: bool = True


class Code:
    """The importable modules of a release, of which some are loaded.

    ``modules`` maps each to whether it is a package, or None when it is not
    Python. ``missing`` are those that were asked for and are not loaded.
    """

    def __init__(self, modules: Mapping[str, bool | None]) -> None:
        self.modules = modules
        self.missing: set[str] = set()
        self._loaded: dict[str, Module] = {}
        self._spaces: dict[str, dict[str, Identity | Function | Class | None]] = {}
        self._assigned: dict[str, AbstractSet[str]] = {}

    def load(self, texts: Mapping[str, bytes]) -> None:
        """Add the text of modules."""
        for name, text in texts.items():
            self._loaded[name] = read_module(text, name, package=bool(self.modules[name]))
        self.missing.clear()
        self._spaces.clear()

    def module(self, name: str) -> Module:
        """Return a loaded module; an empty one for what is missing."""
        found = self._loaded.get(name)
        if found is None:
            if self.modules.get(name) is not None:
                self.missing.add(name)
            return Module(dynamic=True)
        return found

    def is_open(self, name: str) -> bool:
        """Whether a module may have names that its text does not say."""
        module = self.module(name)
        stars = (what.module for _, what, _ in module.steps if isinstance(what, Star))
        return module.dynamic or any(self.modules.get(each) is None for each in stars)

    def namespace(self, name: str) -> dict[str, Identity | Function | Class | None]:
        """Return what each name of a module is: a thing elsewhere, what is defined, or a value."""
        known = self._spaces.get(name)
        if known is not None:
            return known
        space: dict[str, Identity | Function | Class | None] = {}
        self._spaces[name] = space  # a star import may lead back here
        raw: dict[str, Binding] = {}
        for key, what, weak in self.module(name).steps:
            if isinstance(what, Star):
                for each in self.listed(what.module):
                    raw.setdefault(each, Import(what.module, each))
            elif what is None:
                raw.pop(key, None)
            elif not (weak and key in raw):
                raw[key] = what
        for key, what in raw.items():
            if self._gives(raw, key):
                space[key] = self._what(name, raw, what)
        self._assigned[name] = {key for key in space if isinstance(raw[key], Reference)}
        return space

    def _gives(self, raw: Mapping[str, Binding], key: str) -> bool:
        """Whether a name is the module's, or one that it gives to a module of this code."""
        owner = raw.get(key.rpartition(".")[0])
        return "." not in key or (isinstance(owner, Import) and owner.whole in self.modules)

    def assigned(self, name: str) -> AbstractSet[str]:
        """Return the names of a module that are other names for something."""
        self.namespace(name)
        return self._assigned.get(name, set())

    def _what(
        self, module: str, raw: Mapping[str, Binding], what: Binding
    ) -> Identity | Function | Class | None:
        match what:
            case Function() | Class():
                return what
            case Import(target, name):
                return Identity(target, name or "", target in self.modules)
            case Reference(name):
                return self._referred(module, raw, name)
            case Value():
                return None

    def _referred(self, module: str, raw: Mapping[str, Binding], name: str) -> Identity | None:
        """Return what ``x = name`` stands for."""
        head, _, rest = name.partition(".")
        first = raw.get(head)
        if not rest:
            return None if first is None else Identity(module, head)
        if isinstance(first, Import):
            owner, _, last = f"{first.whole}.{rest}".rpartition(".")
            return Identity(owner, last, owner in self.modules)
        return None

    def listed(self, name: str) -> list[str]:
        """Return what a star import takes from a module."""
        module = self.module(name)
        if module.listed is not None:
            space = {key: what for key, what, _ in module.steps if isinstance(what, Import)}
            names = list(module.listed)
            for owner in module.listed_from:
                held = space.get(owner.partition(".")[0])
                if held is not None and held.whole in self.modules and held.whole != name:
                    names += self.listed(held.whole)
            return names
        return [key for key in self.namespace(name) if not key.startswith("_") and "." not in key]

    def follow(self, identity: Identity) -> Identity:
        """Return what a thing is in the end; ``known`` is false where that is elsewhere."""
        for _ in range(_HOPS):
            if not identity.name or not identity.known:
                return identity
            what = self.namespace(identity.module).get(identity.name, identity)
            if what == identity:
                child = f"{identity.module}.{identity.name}"
                return Identity(child, "") if child in self.modules else identity
            if not isinstance(what, Identity):
                return identity
            identity = what
        return identity

    def definition(self, identity: Identity) -> Function | Class | None:
        """Return what is defined there."""
        if not identity.known or not identity.name:
            return None
        found = self.namespace(identity.module).get(identity.name)
        return None if isinstance(found, Identity) else found


def surface(code: Code, layout: Layout) -> dict[str, str]:
    """Return the public names of a release and their tokens, as far as modules are loaded."""
    return _Surface(code, layout).tokens()


class _Surface:
    def __init__(self, code: Code, layout: Layout) -> None:
        self._code = code
        self._layout = layout
        self._modules = self._named_modules()
        self._bindings = dict(self._named_bindings())

    def tokens(self) -> dict[str, str]:
        """Return every name with its token; what is private is under where it is defined."""
        found: dict[str, str] = {}
        for name in self._code.modules:
            found[name] = "o"
        for name, module in self._modules.items():
            owner = self._module_names[module]
            plain = "o" if self._code.is_open(module) else "m"
            found[name] = plain if owner == name else f"={owner}"
        for name, identity in self._bindings.items():
            if name in self._modules:
                if identity != Identity(self._modules[name], ""):
                    found[name] = "o"  # an attribute that hides the module of its name
                continue
            owner = self._canonical.get(identity, name)
            found[name] = f"={owner}" if owner != name else self._token(identity)
        self._add_members(found)
        return found

    @cached_property
    def _module_names(self) -> Mapping[str, str]:
        """The name of each module that people write."""
        names: dict[str, str] = {}
        for name, module in self._modules.items():
            if module not in names or self._layout.rank(name) < self._layout.rank(names[module]):
                names[module] = name
        return names

    @cached_property
    def _canonical(self) -> Mapping[Identity, str]:
        """The name of each definition that people write."""
        names: dict[Identity, str] = {}
        rank: Callable[[str], object] = self._layout.rank
        for name in sorted(self._bindings, key=rank):  # type: ignore[arg-type]
            if self._code.definition(self._bindings[name]) is not None:
                names.setdefault(self._bindings[name], name)
        return names

    def _named_modules(self) -> dict[str, str]:
        """Return public names of modules, the shortest first, and which module each is."""
        code, layout = self._code, self._layout
        queue = [
            (name.count("."), 0, name, name) for name in code.modules if layout.is_public(name)
        ]
        heapq.heapify(queue)
        names: dict[str, str] = {}
        seen: set[str] = set()
        while queue:
            depth, _, name, module = heapq.heappop(queue)
            if name in names:
                continue
            names[name] = module
            if module in seen:
                continue
            seen.add(module)
            for key, target in self._children(module):
                if layout.is_listed(target):
                    heapq.heappush(queue, (depth + 1, 1, f"{name}.{key}", target))
        return names

    def _children(self, module: str) -> Iterator[tuple[str, str]]:
        for key, what in self._code.namespace(module).items():
            if isinstance(what, Identity) and _is_name(key):
                target = self._code.follow(what)
                if not target.name and target.known:
                    yield key, target.module

    def _named_bindings(self) -> Iterator[tuple[str, Identity]]:
        for name, module in self._modules.items():
            if self._module_names[module] != name:
                continue
            space = self._code.namespace(module)
            listed = {*(self._code.module(module).listed or ()), *self._code.assigned(module)}
            package = bool(self._code.modules[module])
            made = self._layout.is_made(module)  # a file of nothing but public names
            for key, what in space.items():
                if not _is_name(key):
                    continue
                identity = self._code.follow(
                    what if isinstance(what, Identity) else Identity(module, key)
                )
                if identity.known or made or key in listed or (package and self._is_ours(identity)):
                    yield f"{name}.{key}", identity

    def _is_ours(self, identity: Identity) -> bool:
        return identity.module.partition(".")[0] in self._layout.foreign

    def _token(self, identity: Identity) -> str:
        whole = f"{identity.module}.{identity.name}".rstrip(".")
        if not identity.known:
            return f"={whole}" if self._is_ours(identity) else "v"
        if not identity.name:
            return f"={self._module_names.get(identity.module, whole)}"
        match self._code.definition(identity):
            case Function(parameters):
                return f"f({parameters})"
            case Class() as found:
                return f"c({','.join(self._bases(identity, found))})"
            case None:
                return "v"

    def _bases(self, identity: Identity, found: Class) -> Iterator[str]:
        if found.dynamic:
            yield "?"
        for written in found.bases:
            target = self._lookup(identity.module, written)
            if _standard(target, written) is None:
                yield self._base(target)

    def _base(self, target: Identity | None) -> str:
        if target is None:
            return "?"
        if target in self._canonical:
            return self._canonical[target]
        known = isinstance(self._code.definition(target), Class) or self._is_ours(target)
        return f"{target.module}.{target.name}" if known and target.name else "?"

    def _lookup(self, module: str, written: str) -> Identity | None:
        """Return what a dotted name means in a module."""
        head, _, rest = written.partition(".")
        space = self._code.namespace(module)
        if head not in space:
            return None
        what = space[head]
        found = self._code.follow(what if isinstance(what, Identity) else Identity(module, head))
        for part in filter(None, rest.split(".")):
            if found.name and found.known:
                return None
            owner = f"{found.module}.{found.name}" if found.name else found.module
            found = self._code.follow(Identity(owner, part, owner in self._code.modules))
        return found

    def _add_members(self, found: dict[str, str]) -> None:
        """Add the members of each class, and the private classes that they come from."""
        queue = list(self._canonical.items())
        seen = set(self._canonical)
        while queue:
            identity, name = queue.pop()
            definition = self._code.definition(identity)
            if not isinstance(definition, Class):
                continue
            found.setdefault(name, self._token(identity))
            for member, token in definition.members.items():
                found.setdefault(f"{name}.{member}", token)
            for written in definition.bases:
                base = self._lookup(identity.module, written)
                for member in _standard(base, written) or ():
                    found.setdefault(f"{name}.{member}", "v")
                if base is not None and base not in seen:
                    seen.add(base)
                    queue.append((base, f"{base.module}.{base.name}"))


def _standard(base: Identity | None, written: str) -> list[str] | None:
    """Return the members of a class of the standard library; None for another base."""
    if base is None:
        what = getattr(builtins, written, None)
    elif base.known or base.module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    else:
        try:
            what = getattr(importlib.import_module(base.module), base.name, None)
        except ImportError:
            return None
    return None if what is None else [name for name in dir(what) if not name.startswith("_")]


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _is_name(key: str) -> bool:
    return not key.startswith("_") or key in {"__version__", "__internal__"}


def importable(members: Iterable[str]) -> dict[str, tuple[str, bool | None]]:
    """Return each module of a wheel: its member, and whether it is a package (None: compiled)."""
    found: dict[str, tuple[str, bool | None]] = {}
    for member in sorted(members):
        path = member.partition("lib/")[2] if ".data/" in member else member
        parts = path.split("/")
        stem, _, suffix = parts[-1].partition(".")
        if not all(each.isidentifier() for each in (*parts[:-1], stem)) or _is_test(parts):
            continue
        if suffix == "py" and stem == "__init__":
            found[".".join(parts[:-1])] = (member, True)
        elif suffix == "py":
            found.setdefault(".".join((*parts[:-1], stem)), (member, False))
        elif suffix.rpartition(".")[2] in {"so", "pyd"}:
            found.setdefault(".".join((*parts[:-1], stem)), (member, None))
    return {name: what for name, what in found.items() if name}


def _is_test(parts: list[str]) -> bool:
    name = parts[-1].removesuffix(".py")
    return (
        bool({"tests", "test", "conftest.py", "setup.py"} & set(parts))
        or name.endswith(("_test", "_tests"))
        or name.startswith("test_")
    )
