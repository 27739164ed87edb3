"""A wheel as it lies in a folder of modules."""

import zipfile
from pathlib import Path


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel into a folder, and return that."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
