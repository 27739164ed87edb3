"""Run inside an environment: print the public names of import packages as JSON, with tokens.

    python list_names.py PACKAGE...

The tokens are those of ``tools/api_surface.py``. Python 3.6 syntax, standard library.
"""

import importlib
import inspect
import json
import pkgutil
import sys
import types
import warnings

SKIPPED = {"tests", "test", "testing", "conftest", "setup", "distutils", "f2py"}
FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    type(str.join),
    type(dict.__dict__["fromkeys"]),
)


def parameters(function, bound):
    """Return the token of a function; plain ``f`` where nothing says its parameters."""
    try:
        items = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return "f"
    shown = []
    for position, item in enumerate(items):
        if item.kind == item.VAR_POSITIONAL:
            shown.append("*" + item.name)
        elif item.kind == item.VAR_KEYWORD:
            shown.append("**" + item.name)
        else:
            if item.kind == item.KEYWORD_ONLY and not any(s.startswith("*") for s in shown):
                shown.append("*")
            shown.append(item.name + ("" if item.default is item.empty else "="))
        last = position + 1 == len(items) or items[position + 1].kind != item.POSITIONAL_ONLY
        if item.kind == item.POSITIONAL_ONLY and last:
            shown.append("/")
    if bound and shown and not shown[0].startswith("*"):
        del shown[0]
        if shown[:1] == ["/"]:
            del shown[0]
    return "f(" + ",".join(shown) + ")"


def modules(root):
    """Import a package and the public modules in it; return them by name."""
    package = importlib.import_module(root)
    found = {root: package}
    for path in getattr(package, "__path__", ()):
        del path
        for info in pkgutil.iter_modules(package.__path__):
            if info.name.startswith("_") or info.name in SKIPPED:
                continue
            try:
                found.update(modules(root + "." + info.name))
            except Exception:  # one that does not import here is not listed
                pass
        break
    return found


def rank(name):
    """Return what names of one thing are sorted by: the shortest is first."""
    return (
        any(part.startswith("_") or part in {"core", "lib"} for part in name.split(".")),
        name.count("."),
        len(name),
        name,
    )


def bindings(found):
    """Return every name of the modules and what it is; modules of others left out."""
    roots = {name.partition(".")[0] for name in found}
    known = {}
    for name, module in found.items():
        # NumPy's own list of what it hands out although dir() does not show it.
        for key in {*dir(module), *getattr(module, "__deprecated_attrs__", ())}:
            if key.startswith("_") and key != "__version__":
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    what = getattr(module, key)
                except Exception:  # a name that is listed and refused
                    continue
            if isinstance(what, types.ModuleType) and what.__name__.partition(".")[0] not in roots:
                continue
            known[name + "." + key] = what
    return known


def tokens(found):
    """Return each name with its token."""
    known = bindings(found)
    own = {}
    for name in sorted(known, key=rank):
        what = known[name]
        if isinstance(what, (type, types.ModuleType)) or callable(what):
            own.setdefault(id(what), name)
    for name, module in found.items():
        own[id(module)] = name
    table = {name: "m" for name in found}
    for name, what in known.items():
        owner = own.get(id(what), name)
        if name in table:
            continue
        if owner != name:
            table[name] = "=" + owner
        elif isinstance(what, types.ModuleType):
            table[name] = "o"
        elif isinstance(what, type):
            table.update(of_class(name, what, own))
        else:
            table[name] = parameters(what, False) if callable(what) else "v"
    return table


def of_class(name, what, own):
    """Return a class and its members, with those of bases that have no name of their own."""
    bases = [base for base in what.__bases__ if base is not object]
    table = {name: "c(" + ",".join(own[id(b)] for b in bases if id(b) in own) + ")"}
    unnamed = [b for b in what.__mro__[1:] if b is not object and id(b) not in own]
    for owner in (what, *unnamed):
        for key, member in vars(owner).items():
            if key.startswith("_") and key not in ("__init__", "__call__"):
                continue
            plain = not isinstance(member, staticmethod)
            member = getattr(member, "__func__", member)
            token = parameters(member, plain) if isinstance(member, FUNCTIONS) else "v"
            table.setdefault(name + "." + key, token)
    return table


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    everything = {}
    for word in sys.argv[1:]:
        everything.update(modules(word))
    print(json.dumps(tokens(everything), sort_keys=True))
