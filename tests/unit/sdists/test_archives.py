"""Source distributions that ask for more tools than they do by themselves."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from envlock.sdists.archives import asking_for


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_what_asks_for_tools_is_an_archive_of_one_kind(kind: int, tmp_path: Path) -> None:
    sdist = tmp_path / "old-1.0.tar.gz"
    with tarfile.open(sdist, "w:gz", format=kind) as archive:
        entry = tarfile.TarInfo("old-1.0/setup.py")
        archive.addfile(entry, io.BytesIO())
    content = gzip.decompress(asking_for(["swig"], sdist).read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        asked = archive.extractfile("old-1.0/pyproject.toml")
        assert asked is not None
        assert b'"swig"' in asked.read()
        heads = {content[each.offset :][257:265] for each in archive.getmembers()}
    assert len(heads) == 1
