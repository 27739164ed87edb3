"""What can be fetched or made again: where it is kept, and how it is shared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from envlock.errors import WorkError
from envlock.system.writing import make_folder, write_texts


def cache_folder() -> Path:
    """Where envlock keeps what can be fetched again; ``ENVLOCK_CACHE_DIR`` moves it."""
    chosen = os.environ.get("ENVLOCK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415  (10 ms that --help does not need)

    return Path(platformdirs.user_cache_dir("envlock"))


def remembered(name: str, sources: Mapping[str, bytes], make: Callable[[], Any]) -> Any:  # noqa: ANN401  (JSON)
    """Return what ``make`` returns, made once for the same sources and kept as JSON.

    A value that JSON would change, and a cache that cannot be read or
    written, cost the time of ``make`` and nothing else.
    """
    digest = hashlib.sha256()
    for key, content in sorted(sources.items()):
        digest.update(f"{key}\0{len(content)}\0".encode() + content)
    file = cache_folder() / f"{name}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = msgspec.json.decode(file.read_bytes())
        if kept["of"] == digest.hexdigest():
            return kept["value"]
    value = make()
    with suppress(ValueError, TypeError, WorkError):
        text = json.dumps({"of": digest.hexdigest(), "value": value})
        if json.loads(text)["value"] == value:
            make_folder(file.parent)
            write_texts({file: text})
    return value


@contextmanager
def exclusive(path: Path, *, timeout: float = 600) -> Iterator[None]:
    """Hold a lock file, so that several envlocks do one thing once.

    Raises:
        WorkError: somebody else holds it for longer than ``timeout`` seconds.
    """
    import filelock  # noqa: PLC0415  (30 ms that --help does not need)

    try:
        with filelock.FileLock(path, timeout=timeout):
            yield
    except filelock.Timeout:
        raise WorkError(f"another envlock holds {path} for more than {timeout:.0f} s") from None
