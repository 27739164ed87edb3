"""From a file of the corpus to one that nobody would write, the same for the same seed."""

from __future__ import annotations

import io
import json
import math
import random
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import tomli_w
import yaml

LARGEST = 100_000  # bytes of an input

#: Values that stand in a parsed document where none of them is expected.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 10**25, 1e308, math.inf, math.nan, "", " ", "\n", "0"),
    *([], {}, [[]], [None], [{}], [1, "a"], {"": None}, {"name": []}, ["a"] * 50, {"a": {"b": {}}}),
    *("\x00", "\ud800", "\udcff", "\u2028", "\x85", "\x1b[31m", "\u202e", "é" * 9, "a" * 3000),
    *("9" * 5000, f"1.{'9' * 5000}", "1!2", "==", "==1.*", ">=1,<", "===x", "1.0+a.b", "v1", "٣.1"),
    *("2024-13-01", "2024-01-01", "0000-00-00", "9999-99-99T99:99:99Z", "12:30:45.5", "1e999"),
    *("python_version<'3\\x00.7'", "python_version < '9'", "os_name == 'a\"b'", "extra == 'x'"),
    *(
        "absl-",
        "-",
        "a" * 300,
        "a b",
        "a==1",
        "a==1; python_version<'3\\x00.7'",
        "a[b]",
        "a[",
        "./a",
    ),
    *("git+https://x/y==0.9.0", "absl-@ git+https://x/y==0.9.0", "a @ https://x/a-1.0.tar.gz"),
    *("//[", "http://[::1", "file://", "https://u:p@h/t/T/x#sha256=0", "a/../../b", "/", "C:\\x"),
    *("sha256:" + "0" * 64, "md5:x", "0" * 64, "0" * 32, "<![foo", "__proto__", "${HOME}", "~"),
)
#: Pieces of text with a meaning of their own in one of the languages.
PIECES = (
    *("\x00", "\r", "\r\n", "\n\n", "\t", "\x0b", "\x1c", "\x85", "\u2028", "\ufeff", "\\", "\\\n"),
    *(
        '"',
        "'",
        '"""',
        "'''",
        "`",
        "#",
        ";",
        ",",
        ":",
        ": ",
        "- ",
        "? ",
        "| ",
        "> ",
        "---\n",
        "...\n",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "=",
        "==",
        "===",
        "~=",
        "!=",
        "*",
        "&a ",
        "*a",
        "<<: *a",
    ),
    *("!!int ''", "!!int _", "!!float x", "!!timestamp x", "!!bool x", "!!binary x", "!!set {a}"),
    *("!!omap [a: 1]", "!!python/object:os.system {}", "!x ", "!!null x", "!!merge x", "!!map x"),
    *(
        "&a [*a, *a]",
        "&a {a: *a}",
        "2024-13-01",
        "0x",
        "0o9",
        "1_000",
        "1:60",
        ".inf",
        ".nan",
        "1e",
    ),
    *(
        "-r ",
        "-c ",
        "-e ",
        "--hash=",
        "--hash=sha256:",
        "--index-url ",
        " ; ",
        " @ ",
        "#egg=",
        "-r a\n",
    ),
    *(
        "; python_version<'3\\x00.7'",
        "; python_version in '3'",
        "; extra=='a'",
        "and ",
        "or ",
        "not ",
    ),
    *(
        "absl-@ git+https://x/y==0.9.0",
        "a @ file:///a-1.whl",
        "http://[::1",
        "//[",
        "<![foo",
        "<!--",
    ),
    *(
        "\ud800",
        "\\ud800",
        "\\u0000",
        "\\x00",
        "&#xD800;",
        "&#99999999999;",
        "%00",
        "%ff",
        "é",
        "٣",
        "²",
    ),
    *("9" * 5000, "1." * 500, "(" * 300, "[" * 300, "{" * 300, "- " * 300, "a." * 300, "x" * 3000),
    *(
        "1/0",
        "-0",
        "inf",
        "nan",
        "None",
        "null",
        "true",
        "~",
        "${A}",
        "$A",
        "%(a)s",
        "\x1b[0m",
        " " * 3000,
    ),
)


def mutated(seed: bytes, language: str, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a changed file; ``others`` are of the same corpus."""
    structured = _STRUCTURED.get(language)
    if structured is not None and chance.random() < 0.6:
        changed = structured(seed, chance)
        if changed is not None:
            seed = changed
            if chance.random() < 0.7:
                return seed[:LARGEST]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        seed = chance.choice(_RAW)(seed, others, chance)[:LARGEST]
    return seed


def _place(content: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(content))


def _insert(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + _piece(chance) + content[at:]


def _replace(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + _piece(chance) + content[at + chance.randint(0, 12) :]


def _piece(chance: random.Random) -> bytes:
    return chance.choice(PIECES).encode(errors="surrogatepass")


def _flip(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _place_ in range(chance.choice((1, 1, 2, 20)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    start = _place(content, chance)
    return content[:start] + content[start + chance.choice((1, 4, 30, 10_000)) :]


def _repeat(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    start = _place(content, chance)
    slice_ = content[start : start + chance.choice((1, 1, 5, 40))]
    return content[:start] + slice_ * chance.choice((2, 2, 9, 400, 20_000)) + content[start:]


def _splice(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    start = _place(other, chance)
    at = _place(content, chance)
    return content[:at] + other[start : start + chance.randint(0, 200)] + content[at:]


def _swap_lines(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _double_line(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    one = chance.randrange(len(lines))
    return b"\n".join([*lines[:one], *[lines[one]] * 2, *lines[one + 1 :]])


def _value_of_line(content: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    one = chance.randrange(len(lines))
    key, mark, _rest = lines[one].partition(chance.choice((b":", b"=", b" ")))
    lines[one] = key + mark + b" " + _piece(chance)
    return b"\n".join(lines)


_RAW: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    *(_insert, _insert, _replace, _replace, _flip, _cut, _repeat, _splice, _swap_lines),
    *(_double_line, _value_of_line, _value_of_line),
)


def _of_json(content: bytes, chance: random.Random) -> bytes | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return json.dumps(_changed(document, chance)).encode()


def _of_yaml(content: bytes, chance: random.Random) -> bytes | None:
    try:
        documents = list(yaml.safe_load_all(content))
        changed = [_changed(each, chance) for each in documents]
        text: str = yaml.safe_dump_all(changed, allow_unicode=chance.random() < 0.5, width=1000)
        return text.encode(errors="surrogatepass")
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None


def _of_toml(content: bytes, chance: random.Random) -> bytes | None:
    try:
        document = _changed(tomllib.loads(content.decode()), chance)
        return tomli_w.dumps(document).encode(errors="surrogatepass")
    except (ValueError, TypeError, RecursionError, AttributeError):
        return None


def _of_keras(content: bytes, chance: random.Random) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  (whatever zipfile raises of a mutant: it stays as it is)
        return None
    name = chance.choice(sorted(members) or ["config.json"])
    members[name] = _of_json(members.get(name, b"{}"), chance) or b"{"
    kind = chance.choice((0, 8, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as archive:
        for each, text in members.items():
            archive.writestr(each, text)
    return packed.getvalue()


_STRUCTURED: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "json": _of_json,
    "keras": _of_keras,
    "toml": _of_toml,
    "yaml": _of_yaml,
}


def _changed(document: Any, chance: random.Random) -> Any:
    """Return a document in which some values are others, gone, doubled or deeper."""
    holder = [document]
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        places = list(_places(holder))[:2000]
        inside, key = chance.choice(places)
        act = chance.randrange(10)
        if act < 6 or inside is holder:
            inside[key] = chance.choice(VALUES)
        elif act == 6:
            del inside[key]
        elif act == 7 and isinstance(inside, dict):
            inside[str(chance.choice(VALUES))[:100]] = inside.pop(key)
        elif act == 8:
            for _depth in range(chance.choice((1, 2, 150))):
                inside[key] = [inside[key]] if chance.random() < 0.5 else {"a": inside[key]}
        elif isinstance(inside, list):
            inside.append(inside[key])
        else:
            inside[f"{key}2"] = inside[key]
    return holder[0]


def _places(holder: Any) -> Any:
    waiting = [holder]
    while waiting:
        each = waiting.pop()
        for key in list(each) if isinstance(each, dict) else range(len(each)):
            yield each, key
            if isinstance(each[key], dict | list) and len(waiting) < 500:
                waiting.append(each[key])
