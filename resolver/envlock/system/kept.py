"""Files of the cache: each with a digest of its content, so that a damaged one is none.

The first line is the SHA-256 of all that follows. A file that is missing,
damaged, of another format or open to others is a miss, and one that cannot be
written is not an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from envlock.system.caches import kept_folder

_HEAD = 65  # characters: a digest in hexadecimal, and the end of its line


def load_kept(file: Path) -> bytes | None:
    """Return the content of a file as `keep` wrote it, or None."""
    try:
        with file.open("rb") as stream:
            if not _is_ours(os.fstat(stream.fileno())):
                return None
            whole = stream.read()
    except OSError:
        return None
    content = whole[_HEAD:]
    return content if whole[:_HEAD] == _head(content) else None


def keep(contents: Mapping[Path, bytes]) -> None:
    """Write files of the cache, each whole or not at all, if the disk lets us."""
    for file, content in contents.items():
        with suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(_head(content))
                    stream.write(content)
                temporary.replace(file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def remembered(name: str, sources: Mapping[str, bytes], make: Callable[[], Any]) -> Any:  # noqa: ANN401  (JSON)
    """Return what ``make`` returns, made once for the same sources and kept as JSON.

    A value that JSON would change, and a cache that cannot be read or
    written, cost the time of ``make`` and nothing else. ``name`` may begin
    with the folder of the cache that it is in.
    """
    digest = hashlib.sha256()
    for key, content in sorted(sources.items()):
        digest.update(f"{key}\0{len(content)}\0".encode() + content)
    *folders, short = name.split("/")
    place = kept_folder(*folders)
    if place is None:
        return make()
    file = place / f"{short}.json"
    with suppress(ValueError, TypeError, KeyError):
        kept = msgspec.json.decode(load_kept(file) or b"")
        if kept["of"] == digest.hexdigest():
            return kept["value"]
    value = make()
    with suppress(ValueError, TypeError):
        text = json.dumps({"of": digest.hexdigest(), "value": value})
        if json.loads(text)["value"] == value:
            keep({file: text.encode()})
    return value


def _head(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}\n".encode()


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else could write a file: what it says is believed."""
    return os.name != "posix" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
