"""Wheels with metadata and nothing else, for programs that only ask what a release needs. Pure."""

from __future__ import annotations

import io
import zipfile


def stub_wheel(folder: str, metadata: bytes, tag: str, build: str = "") -> bytes:
    """Return a wheel; ``folder`` is its name and version as file names of wheels have them."""
    info = f"{folder}.dist-info"
    numbered = f"Build: {build}\n" if build else ""
    said = f"Wheel-Version: 1.0\n{numbered}Root-Is-Purelib: false\nTag: {tag}\n"
    record = "".join(f"{info}/{each},,\n" for each in ("METADATA", "WHEEL", "RECORD"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (
            ("METADATA", metadata),
            ("WHEEL", said.encode()),
            ("RECORD", record.encode()),
        ):
            archive.writestr(zipfile.ZipInfo(f"{info}/{name}"), content)
    return packed.getvalue()
