"""requirements.txt: exact pins with hashes, as pip ``--require-hashes`` and uv take them."""

from __future__ import annotations

from collections.abc import Mapping

from envlock.choices import Format
from envlock.model import Lock, LockedPackage
from envlock.write.comments import header, remarks, told
from envlock.write.interface import default_filename

_INDENT = "    "


def render(lock: Lock, *, name: str) -> Mapping[str, str]:
    """Write the lock as a requirements file; neither index addresses nor options."""
    del name
    lines = header(lock)
    for package in told(lock):
        lines += _pin(package)
        lines += remarks(package, lock.reasons, indent=_INDENT)
    return {default_filename(Format.REQUIREMENTS): "\n".join(lines) + "\n"}


def _pin(package: LockedPackage) -> list[str]:
    """Write the requirement and its hashes: every line but the last goes on after a backslash.

    A comment may follow only a line that does not go on: pip joins lines
    before it drops comments.
    """
    words = [
        f"{package.name}=={package.version}",
        *(f"{_INDENT}--hash={each}" for each in sorted(package.hashes)),
    ]
    return [*(f"{word} \\" for word in words[:-1]), words[-1]]
