"""Replace lines of a wheel's METADATA: for Python 3.6, since an image may run it.

``mend_wheel.py WHEEL FILE``: FILE has on each line a value of Requires-Dist as
it stands, ``->``, and what stands there instead; nothing takes the line out.
Lines that begin with # are passed over.
"""

import base64
import hashlib
import os
import sys
import zipfile
from typing import Dict


def mend(wheel: str, instead: Dict[str, str]) -> None:
    """Write a wheel anew with other values of Requires-Dist."""
    beside = wheel + ".mended"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as new:
        names = [each.filename for each in old.infolist()]
        metadata = next(n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        record = metadata[: -len("METADATA")] + "RECORD"
        content = _mended(old.read(metadata), instead)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        for entry in old.infolist():
            held = old.read(entry)
            if entry.filename == metadata:
                held = content
            elif entry.filename == record:
                held = _recorded(held, metadata, digest, len(content))
            entry.file_size = len(held)
            new.writestr(entry, held)
    os.replace(beside, wheel)


def _mended(metadata: bytes, instead: Dict[str, str]) -> bytes:
    head, mark, rest = metadata.decode("utf-8", "surrogateescape").partition("\n\n")
    lines = []
    for line in head.split("\n"):
        key, _, value = line.rstrip("\r").partition(": ")
        if key == "Requires-Dist" and " ".join(value.split()) in instead:
            value = instead[" ".join(value.split())]
            if not value:
                continue
            line = key + ": " + value
        lines.append(line)
    return ("\n".join(lines) + mark + rest).encode("utf-8", "surrogateescape")


def _recorded(record: bytes, metadata: str, digest: str, size: int) -> bytes:
    lines = record.decode("utf-8").splitlines()
    row = "{},sha256={},{}".format(metadata, digest, size)
    return "".join(
        (row if line.startswith(metadata + ",") else line) + "\n" for line in lines
    ).encode("utf-8")


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as pairs:
        rows = [line.partition("->") for line in pairs if not line.startswith("#")]
        mend(sys.argv[1], {old.strip(): new.strip() for old, arrow, new in rows if arrow})
