"""What an error says is missing: a module, a name in one, a member of a class, a parameter. Pure.

A message names it in one of a dozen ways, and seldom whole: the class of an
object, the module behind a public one, ``__init__()`` without its class. The
line of code that raised, where it is shown, says the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from envlock import names
from envlock.diagnose import alike
from envlock.rules.frameworks import framework
from envlock.rules.traces import Raised

_NAME = r"[A-Za-z_]\w{0,80}"
_DOTTED = rf"{_NAME}(?:\.{_NAME}){{0,12}}"
_FROM = re.compile(
    rf"cannot import name ['\"]?(?P<name>{_NAME})['\"]? from"
    rf" (?P<partly>partially initialized module )?['\"]?(?P<owner>{_DOTTED})"
)
_FROM_WHAT = re.compile(rf"cannot import name ['\"]?(?P<name>{_NAME})['\"]?\s*(?:$|\()")
_HAS_NO = re.compile(
    rf"(?P<partly>partially initialized )?module ['\"](?P<owner>{_DOTTED})['\"]"
    rf" has no attribute ['\"](?P<name>{_NAME})"
)
_NO_MEMBER = re.compile(
    rf"(?:type object ['\"](?P<type>{_DOTTED})['\"]|['\"](?P<object>{_DOTTED})['\"] object)"
    rf" has no attribute ['\"](?P<name>{_NAME})"
)
_NO_MODULE = re.compile(rf"No module named ['\"]?(?P<name>{_DOTTED})(?P<shadowed>['\"]?; )?")
_KEYWORD = re.compile(
    rf"(?:(?P<function>{_DOTTED})\(\) )?got an unexpected keyword argument ['\"](?P<name>{_NAME})"
)
_NOT_UNDERSTOOD = re.compile(rf"Keyword argument not understood:?['\",]* ['\"]?(?P<name>{_NAME})")
_NOT_RECOGNIZED = re.compile(rf"Argument\(s\) not recognized: \{{['\"](?P<name>{_NAME})")
_PASSED = re.compile(
    rf"Unrecognized keyword arguments passed to (?P<function>{_NAME}): \{{['\"](?P<name>{_NAME})"
)
_OPTIMIZER = re.compile(r"\b(?P<name>decay|lr)`? is deprecated in the new Keras optimizer")
_REMOVED = re.compile(rf"`?np\.(?P<name>{_DOTTED})`? was removed in the NumPy 2\.0 release")
_CALLS = re.compile(rf"(?P<function>{_DOTTED})\s?\(")
#: The classes of an optimizer, where a message names a parameter of theirs alone.
_OPTIMIZERS = "keras.optimizers.Adam"
#: Whose functions may be meant beside the framework's, where a message names no module.
_SPOKEN = ("keras", "numpy")


class Claim(Struct, frozen=True, kw_only=True):
    """One thing that is said to be missing.

    ``dotted`` ends in ``(parameter)`` for one of a function. ``whole`` is what
    the code asks for, as far as it is shown: the same, or a name in it.
    ``is_member`` says that it is one of a class, which an object may lack all
    the same; ``partly`` that its module was still being imported.
    """

    dotted: str
    whole: str
    is_member: bool = False
    partly: bool = False
    shadowed: bool = False

    @property
    def distribution(self) -> str | None:
        """The distribution whose table may have it."""
        return names.distribution_of(self.dotted.partition("(")[0])


def claims(one: Raised, text: str) -> tuple[Claim, ...]:
    """Return what an exception says is missing, the likeliest reading first; often nothing."""
    message = one.message
    found = (
        _of_module(message, one.source)
        or list(_of_class(message))
        or list(_of_function(message, one, text))
    )
    return tuple(found)


def _of_module(message: str, source: str) -> list[Claim]:
    match = _FROM.search(message) or _HAS_NO.search(message)
    if match is not None:
        dotted = f"{names.public(match['owner'])}.{match['name']}"
        return [_claim(dotted, source, partly=bool(match["partly"]))]
    if match := _REMOVED.search(message):
        return [_claim(f"numpy.{match['name']}", source)]
    if match := _NO_MODULE.search(message):
        return [_claim(names.public(match["name"]), source, shadowed=bool(match["shadowed"]))]
    if match := _FROM_WHAT.search(message):
        asked = re.search(rf"from ({_DOTTED}) import\b.*\b{match['name']}\b", source)
        return [_claim(f"{names.public(asked[1])}.{match['name']}", source)] if asked else []
    return []


def _claim(dotted: str, source: str, *, partly: bool = False, shadowed: bool = False) -> Claim:
    whole = next((each for each in asked(source) if each.startswith(f"{dotted}.")), dotted)
    return Claim(dotted=dotted, whole=whole, partly=partly, shadowed=shadowed)


def _of_class(message: str) -> Iterator[Claim]:
    match = _NO_MEMBER.search(message)
    if match is None:
        return
    whole, member = match["type"] or match["object"], match["name"]
    name = whole.rpartition(".")[2]
    owners = [names.public(whole)] if "." in whole else []
    owners += [each.removesuffix(f".{member}") for each in _ending(f".{name}.{member}")]
    known = sorted(names.classes(name), key=_is_old)
    for owner in dict.fromkeys((*owners, *known)):
        dotted = f"{owner}.{member}"
        yield Claim(dotted=dotted, whole=dotted, is_member=True)


def _is_old(owner: str) -> bool:
    """Whether the newest release on record lacks a class, so that another one is likelier meant."""
    distribution = names.distribution_of(owner) or ""
    table = names.names(distribution)
    return table is None or names.exists(distribution, table.releases[-1], owner) is False


def _of_function(message: str, one: Raised, text: str) -> Iterator[Claim]:
    match = next(
        filter(
            None,
            (
                each.search(message)
                for each in (_KEYWORD, _NOT_UNDERSTOOD, _PASSED, _NOT_RECOGNIZED)
            ),
        ),
        None,
    )
    parameter = match["name"] if match is not None else ""
    said = match.groupdict().get("function") or "" if match is not None else ""
    if optimizer := _OPTIMIZER.search(message):
        parameter = optimizer["name"]
    if not parameter:
        return
    calling = list(_calling(parameter, one, text))
    if match is not None and match.re is _PASSED and said not in calling:
        return  # it may stand in a file
    functions = [said] if said and said != "__init__" else calling
    if not functions and (optimizer or (match is not None and match.re is _NOT_RECOGNIZED)):
        functions = [_OPTIMIZERS]
    for function in functions:
        name = function.removesuffix(".__init__").rpartition(".")[2]
        moved = [
            *_ending(f".{name}({parameter})"),
            *_ending(f".{name}.__init__({parameter})"),
        ]
        found = names.classes(name) if name[:1].isupper() else ()
        found = found or tuple(_functions(function, parameter, one))
        known = (f"{each}({parameter})" for each in found)
        for dotted in dict.fromkeys((*moved, *known)):
            yield Claim(dotted=dotted, whole=dotted)


def _functions(function: str, parameter: str, one: Raised) -> Iterator[str]:
    """The public functions that may be meant by one in small letters.

    A plain word may be the user's own; where the code shows the package, it is not.
    """
    name = function.rpartition(".")[2]
    shown = [each for each in asked(one.source) if each.endswith(f".{name}")]
    of = [names.distribution_of(each) for each in shown]
    if "_" in name and not shown:
        of = [framework().name, *_SPOKEN]
    yield from alike.functions(dict.fromkeys(filter(None, of)), name, parameter)


def _calling(parameter: str, one: Raised, text: str) -> Iterator[str]:
    """The functions that shown lines of code call with a parameter."""
    sources = [frame.source for frame in reversed(one.frames)] or [one.shown]
    near = text[max(0, one.at - 2000) : one.at].split("\n")
    for line in (*sources, *reversed(near)):
        if re.search(rf"\b{parameter}\s?=", line):
            yield from (each["function"] for each in reversed(list(_CALLS.finditer(line))))


def _ending(end: str) -> list[str]:
    return [name for name in names.moves() if name.endswith(end)]


def asked(source: str) -> Iterator[str]:
    """Yield the public names that a line of code asks for, written in full."""
    if match := re.match(rf"\s*from\s+({_DOTTED})\s+import\s+\(?(.*)", source):
        for each in re.findall(rf"({_NAME})(?:\s+as\s+{_NAME})?\s*(?:,|\)|#|$)", match[2]):
            yield f"{names.public(match[1])}.{each}"
        yield names.public(match[1])
    if match := re.match(rf"\s*import\s+({_DOTTED})", source):
        yield names.public(match[1])
    for found in re.findall(rf"(?<![\w.])({_DOTTED})", source):
        if "." in found:
            yield names.in_full(found)
