"""JSON, TOML and YAML that somebody wrote → plain values, or words for what is wrong.

The one place that calls the libraries which read them, so that whatever they
raise is told with its place, and so that what they give holds nothing that
surprises later: no number that Python refuses to print, no half of a
character, no key that is no text, no nesting that ends the stack. Pure.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec

from envlock.errors import UsageError

_Shape = TypeVar("_Shape")

_DEEPEST = 100
_MOST_VALUES = 2_000_000
_MOST_DIGITS = 20  # of a whole number: 64 bits and a sign
_MOST_BITS = 64
_HALF = r"\\u[dD][89a-fA-F]"
_TOML_PLACE = r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$"
#: A key of so many parts that tomllib, which goes back to the first for each, would never end.
_DOTTED = r"(?<![\w\"'-])(?:(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*\.[ \t]*){30}"


class Malformed(ValueError):
    """A text is not of its language; ``line`` is where, if that is known."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line

    def named(self, name: str, language: str) -> UsageError:
        """Return the error for a user, with the file's name."""
        place = f"{name}:{self.line}" if self.line else name
        return UsageError(
            f"{place}: not {language}: {self.why}",
            *([f"correct line {self.line} of {name}"] if self.line else []),
        )


def read_json(name: str, content: str | bytes) -> Any:  # noqa: ANN401  (whatever is written)
    """Return the value of a JSON text; ``name`` is for errors.

    Raises:
        UsageError: it is not JSON, with file:line; or too deep or too large.
    """
    try:
        return json_value(content)
    except Malformed as error:
        raise error.named(name, "JSON") from None


def json_value(content: str | bytes, *, halves: bool = False) -> Any:  # noqa: ANN401  (whatever is written)
    """Return the value of a JSON text; ``halves`` of characters stay, as names of files have them.

    Raises:
        Malformed: it is not JSON, or too deep or too large.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        if text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:
            raise Malformed(f"more than {_MOST_VALUES:,} values")
        value = json.loads(text, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:]
        raise Malformed(f"{why} (column {error.colno})", error.lineno) from None
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise Malformed(f"nested more than {_DEEPEST} deep") from None
    _refuse_deep(value)
    return _whole_characters(value) if re.search(_HALF, text) and not halves else value


def shaped(name: str, value: object, shape: type[_Shape]) -> _Shape:
    """Return a plain value as a struct of msgspec; ``name`` is for errors.

    Raises:
        UsageError: it has another shape; says the key.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {shape_fault(error)}") from None


def shape_fault(error: msgspec.ValidationError) -> str:
    """Say what msgspec misses: the key, then what is there."""
    what, _, place = str(error).partition(" - at ")
    key = place.strip("`").removeprefix("$").removeprefix(".")
    return f"{key}: {what[:1].lower()}{what[1:]}" if key else f"{what[:1].lower()}{what[1:]}"


def read_toml(name: str, text: str) -> dict[str, Any]:
    """Return the tables of a TOML text; ``name`` is for errors.

    Raises:
        UsageError: it is not TOML, with file:line; or too deep.
    """
    try:
        return toml_tables(text)
    except Malformed as error:
        raise error.named(name, "TOML") from None


def toml_tables(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        Malformed: it is not TOML, or too deep.
    """
    long_key = re.search(_DOTTED, text)
    if long_key is not None:
        raise Malformed("a key of more than 30 parts", text.count("\n", 0, long_key.start()) + 1)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _of_toml(str(error), text) from None
    except ValueError as error:
        raise Malformed(str(error).partition(";")[0]) from None
    except RecursionError:
        raise Malformed(f"nested more than {_DEEPEST} deep") from None
    _refuse_deep(tables)
    return tables


def _of_toml(reason: str, text: str) -> Malformed:
    place = re.search(_TOML_PLACE, reason)
    if place and place["line"]:
        line, column = int(place["line"]), f" (column {place['column']})"
    else:
        line, column = text.rstrip().count("\n") + 1, ""
    reason = re.sub(_TOML_PLACE, "", reason)
    return Malformed(f"{reason[:1].lower()}{reason[1:]}{column}", line)


def yaml_library() -> Any:  # noqa: ANN401  (a module)
    """PyYAML, imported late."""
    import yaml  # noqa: PLC0415  (10 ms that other files do not need)

    return yaml


def yaml_node(text: str) -> Any:  # noqa: ANN401  (yaml is imported late)
    """Return the nodes of a YAML document, or None for an empty one.

    Raises:
        Malformed: it is not YAML, too deep, or its aliases stand for too much.
    """
    yaml = yaml_library()
    try:
        root = yaml.compose(text, _loader())
    except (yaml.YAMLError, RecursionError) as error:
        raise _of_yaml(error) from None
    if "*" in text and "&" in text:
        _refuse_bomb(root, endless=True)
    return root


def yaml_values(text: str) -> list[Any]:
    """Return the documents of a YAML text, empty ones left out; only YAML's own tags count.

    Raises:
        Malformed: it is not YAML, too deep, or a value is none of its type.
    """
    yaml = yaml_library()
    loader = _loader()(text)
    found = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if "*" in text and "&" in text:
                _refuse_bomb(node)
            found.append(loader.construct_document(node))
    except (yaml.YAMLError, RecursionError) as error:
        raise _of_yaml(error) from None
    finally:
        loader.dispose()
    for each in found:
        _refuse_deep(each)
    return [each for each in found if each is not None]


def _of_yaml(error: Exception) -> Malformed:
    if isinstance(error, RecursionError):
        return Malformed(f"nested more than {_DEEPEST} deep")
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return Malformed(str(problem), mark.line + 1 if mark else None)


@cache
def _loader() -> Any:  # noqa: ANN401  (yaml is imported late)
    """A safe loader that says where a value is none of its type, and takes texts alone as keys."""
    yaml = yaml_library()
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # of the one or the other
        def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  (yaml's own)
            try:
                value = super().construct_object(node, deep)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                raise self._fault(node, f"no value of {node.tag.rpartition(':')[2]}") from None
            if isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise self._fault(node, "a number of more than 64 bits")
            return value

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  (as above)
            mapping = super().construct_mapping(node, deep)
            if not all(isinstance(key, str) for key in mapping):
                raise self._fault(node, "a key that is no text")
            return mapping

        def _fault(self, node: Any, what: str) -> Exception:  # noqa: ANN401  (as above)
            fault: Exception = yaml.constructor.ConstructorError(None, None, what, node.start_mark)
            return fault

    return Loader


def _refuse_bomb(root: Any, *, endless: bool = False) -> None:  # noqa: ANN401  (a node of yaml)
    """Refuse nodes that, every alias written out, are too many, or unless ``endless`` no end."""
    sizes: dict[int, int] = {}
    open_ones: set[int] = set()
    waiting = [(root, False)]
    while waiting:
        node, entered = waiting.pop()
        if entered:
            open_ones.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes.get(id(each), 1) for each in _inside(node))
            if sizes[id(node)] > _MOST_VALUES:
                raise Malformed(f"its aliases stand for more than {_MOST_VALUES:,} values")
        elif id(node) in open_ones and not endless:
            raise Malformed("an alias stands inside of what it stands for", _line_of(node))
        elif id(node) not in sizes and id(node) not in open_ones:
            open_ones.add(id(node))
            waiting.append((node, True))
            waiting.extend((each, False) for each in _inside(node))


def _inside(node: Any) -> Iterator[Any]:  # noqa: ANN401  (as above)
    if node is None or node.id == "scalar":
        return
    for each in node.value:
        if isinstance(each, tuple):
            yield from each
        else:
            yield each


def _line_of(node: Any) -> int:  # noqa: ANN401  (as above)
    return int(node.start_mark.line) + 1


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise Malformed(f"a number of {len(text)} digits")
    return int(text)


def _refuse_deep(value: object) -> None:
    """Refuse a document that is too deep, and numbers that Python would not print."""
    level = [value]
    for _ in range(_DEEPEST):
        inside: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inside.extend(each.values())
            elif isinstance(each, list):
                inside.extend(each)
            elif isinstance(each, int) and each.bit_length() > _MOST_BITS:
                raise Malformed("a number of more than 64 bits")
        if not inside:
            return
        level = inside
    raise Malformed(f"nested more than {_DEEPEST} deep")


def _whole_characters(value: Any) -> Any:  # noqa: ANN401  (as above)
    """Replace halves of characters, which JSON can write and nothing can print."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_whole_characters(each) for each in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(each) for key, each in value.items()}
    return value
