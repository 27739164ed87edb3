"""Requirements in a wheel's metadata that no installer of today reads, and what they meant."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

from envlock import standards

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
#: ``>=3.`` and ``<2.1.``: a dot with nothing behind it.
_OPEN = re.compile(r"(?<=\d)\.(?=\s*(?:[,);]|$))")
#: ``>=3.6.*``: a star where only = and != may have one.
_STAR = re.compile(r"((?:[<>]=?|~=)\s*[\w.]+?)\.\*")
#: ``>=1.0<2``: no comma between two bounds.
_JOINED = re.compile(r"(?<=[\w*])\s*(?=(?:[<>!~=]=|[<>])\s*\d)")


def faults_of(wheel: Path) -> dict[str, str] | None:
    """Return each Requires-Dist that cannot be read, with what it meant.

    What only an extra needs and nobody can guess is to be left out, which is
    "". None says that something else is needed that nobody can guess, or that
    the file is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(filter(_METADATA.fullmatch, archive.namelist()), None)
            text = b"" if name is None else archive.read(name)
    except (OSError, zipfile.BadZipFile):
        return None
    found: dict[str, str] = {}
    for each in map(str, BytesHeaderParser().parsebytes(text).get_all("Requires-Dist", [])):
        said = " ".join(each.split())
        if standards.requirement(said) is not None:
            continue
        meant = next((m for m in _readings(said) if standards.requirement(m)), None)
        if meant is None and "extra ==" not in said:
            return None
        found[said] = meant or ""
    return found


def _readings(said: str) -> Iterator[str]:
    """What a requirement may have meant: the smallest change first."""
    bounds, semicolon, marker = said.partition(";")
    for pattern, instead in ((_OPEN, ""), (_STAR, r"\1"), (_JOINED, ",")):
        bounds = re.sub(pattern, instead, bounds)
        yield f"{bounds.rstrip()} {semicolon}{marker}".strip() if semicolon else bounds.strip()
