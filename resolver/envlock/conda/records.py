"""What an installer writes down of each package in ``conda-meta``, without credentials."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from envlock.conda.channels import Address
from envlock.system import read_text, write_texts


def without_secrets(prefix: Path, channels: Iterable[Address]) -> None:
    """Put the public address of a channel wherever a prefix has the one with credentials.

    Every installer keeps the address that it fetched from; only conda itself
    takes a token out of it. An environment is copied, packed and shared.

    Raises:
        WorkError: the files cannot be written.
    """
    private = [each for each in channels if each.url != each.public]
    changed: dict[Path, str] = {}
    for file in sorted((prefix / "conda-meta").glob("*")) if private else ():
        if not file.is_file():
            continue
        text = read_text(file)
        plain = text
        for each in private:
            plain = plain.replace(each.url, each.public).replace(each.url[:-1], each.public[:-1])
        if plain != text:
            changed[file] = plain
    write_texts(changed)
