"""What a lock file holds, as a digest in its heading, so that an edit is found and its place told.

The digest is of values as they are read from the file, so that line ends,
comments and the order of keys do not count. After it stands a mark for the
heading and one for each pin in the order of their names: the digest says that
a file was edited, the marks where. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from envlock.model import CondaPackage, Lock, LockedPackage

#: What stands in a text until it is known what the text holds.
PENDING = "sha256:pending"
_PENDING_LINE = re.compile(rf'^(# content: |content = "){PENDING}', re.MULTILINE)
_SAID = re.compile(r"(?P<digest>sha256:[0-9a-f]{64}) (?P<marks>(?:[0-9a-f]{4})+)")
_MARK = 4  # hexadecimal digits


class Edit(Struct, frozen=True, kw_only=True):
    """One place where a file is not what envlock wrote; ``name`` is the pin there, or ""."""

    what: str
    name: str = ""
    version: str = ""


class _Entry(Struct, frozen=True, kw_only=True):
    """One pin of a file, or its heading, which has no name; ``text`` is what counts of it."""

    name: str
    version: str
    text: str

    @property
    def mark(self) -> str:
        """Short: it tells where a file was edited, the digest that it was."""
        return hashlib.sha256(self.text.encode(errors="surrogatepass")).hexdigest()[:_MARK]


def sealed(text: str, held: Lock) -> str:
    """Return a text with the digest of what it holds in the place that its writer left for it."""
    return _PENDING_LINE.sub(lambda found: f"{found[1]}{_content(held)}", text, count=1)


def edits(lock: Lock) -> tuple[Edit, ...]:
    """Return where a lock that was read is not what envlock wrote; () where it does not tell."""
    if not lock.content or lock.content == _content(lock):
        return ()
    said, entries = _SAID.fullmatch(lock.content), _entries(lock)
    if said is None:
        return (Edit(what="the digest of its content was edited"),)
    before = [said["marks"][at : at + _MARK] for at in range(0, len(said["marks"]), _MARK)]
    found = tuple(dict.fromkeys(_placed(before, entries)))
    return found or (Edit(what="it is not what envlock wrote"),)


def _placed(before: Sequence[str], entries: Sequence[_Entry]) -> Iterator[Edit]:
    matcher = SequenceMatcher(None, before, [each.mark for each in entries], autojunk=False)
    for way, was, was_end, now, now_end in matcher.get_opcodes():
        if way == "equal":
            continue
        for each in entries[now:now_end]:
            what = f"{each.name} {each.version} is not what envlock wrote here"
            if not each.name:
                what = "its heading is not what envlock wrote: the Python, the platform or the like"
            yield Edit(name=each.name, version=each.version, what=what)
        gone = (was_end - was) - (now_end - now)
        if gone > 0:
            yield _gone(gone, entries, now_end)


def _gone(count: int, entries: Sequence[_Entry], place: int) -> Edit:
    """Pins that are no longer there: a mark does not tell their names, their neighbours do."""
    what = "a pin is gone" if count == 1 else f"{count} pins are gone"
    around = [each for each in entries[max(place - 1, 0) : place + 1] if each.name]
    if not around:
        return Edit(what=what)
    side = "between" if around[1:] else "after" if place == len(entries) else "before"
    where = " and ".join(each.name for each in around)
    return Edit(name=around[0].name, version=around[0].version, what=f"{what} {side} {where}")


def _content(lock: Lock) -> str:
    entries = _entries(lock)
    whole = hashlib.sha256("\n".join(each.text for each in entries).encode(errors="surrogatepass"))
    return f"sha256:{whole.hexdigest()} {''.join(each.mark for each in entries)}"


def _entries(lock: Lock) -> list[_Entry]:
    """The heading, then every pin once, whatever the number of its platforms."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for part in lock.parts:
        for each in part.conda:
            places.setdefault((each.name, each.version, _conda(each)), []).append(part.place)
        for pin in part.pypi:
            places.setdefault((pin.name, str(pin.version), _pypi(pin)), []).append(part.place)
    pins = [
        _Entry(name=name, version=version, text=f"{text} {' '.join(sorted(on))}")
        for (name, version, text), on in sorted(places.items())
    ]
    return [_Entry(name="", version="", text=_heading(lock)), *pins]


def _heading(lock: Lock) -> str:
    parts = [[p.python, p.platform, p.subdir, p.verified, *sorted(p.virtual)] for p in lock.parts]
    variables = sorted(map(list, lock.variables.items()))
    return json.dumps([parts, lock.channels, lock.nodefaults, variables, lock.indexes])


def _pypi(pin: LockedPackage) -> str:
    files = sorted([each.filename, each.url, sorted(each.hashes.items())] for each in pin.files)
    only = sorted(map(str, pin.only))
    about = [pin.name, str(pin.version), sorted(pin.hashes), pin.index, files, only]
    if pin.direct is not None:
        about.append(pin.direct.address)
    if pin.built is not None:
        about.append([pin.built.tools, pin.built.mended])
    return json.dumps(["pypi", *about])


def _conda(pin: CondaPackage) -> str:
    place = [pin.build, pin.url, pin.md5, pin.sha256]
    return json.dumps(["conda", pin.name, pin.version, *place, sorted(pin.depends)])
