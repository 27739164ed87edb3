"""Real records of conda-forge as a channel that can be solved from, and not installed from."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

_DATA = Path(__file__).parent / "conda-forge.json.xz"


def conda_forge(folder: Path) -> str:
    """Lay the channel out in a folder and return its URL; see ``conda-forge.md``."""
    for subdir, repodata in json.loads(lzma.decompress(_DATA.read_bytes())).items():
        place = folder / subdir / "repodata.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(repodata))
    return folder.resolve().as_uri()
