"""Wheels with metadata and nothing else, for programs that only ask what a release needs. Pure.

conda's packages are such wheels, with a name, a version and no needs: an engine
that finds them beside the index takes what conda provides as it is, and what
the index says of the same release (its needs, whether it has a wheel for this
Python) does not count. They are never installed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.system import write_files

#: Wins over a wheel of the index with the same version and tag.
_BUILD = "999999conda"


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


def write_stubs(folder: Path, pins: Mapping[NormalizedName, Version], tags: Sequence[str]) -> None:
    """Write one wheel for each pin; ``tags`` are what the target takes, best first.

    Raises:
        WorkError: the folder cannot be written.
    """
    # pip and uv rank the plain tag of Linux first and last: it has both ends.
    python, platforms = tags[0].rpartition("-")[0], [each.rpartition("-")[2] for each in tags[:2]]
    tag = f"{python}-{'.'.join(dict.fromkeys(platforms))}"
    write_files(
        {
            folder / f"{name.replace('-', '_')}-{version}-{_BUILD}-{tag}.whl": _wheel(
                name, version, tag
            )
            for name, version in pins.items()
        }
    )


def _wheel(name: NormalizedName, version: Version, tag: str) -> bytes:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return stub_wheel(f"{name.replace('-', '_')}-{version}", metadata, tag, _BUILD)
