"""Requirements in a wheel's metadata that no installer of today reads, and what they meant."""

from __future__ import annotations

import re
import zipfile
from email.parser import BytesHeaderParser
from pathlib import Path

from envlock import standards
from envlock.index.mending import reading

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")


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
        meant = reading(said)
        if meant is None and "extra ==" not in said:
            return None
        found[said] = meant or ""
    return found
