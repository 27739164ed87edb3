"""Reading what a user's file says."""

from __future__ import annotations

from pathlib import Path

from envlock.errors import UsageError


def read_text(path: Path) -> str:
    """The text of a user's file, decoded as UTF-8 (a byte order mark is dropped).

    Raises:
        UsageError: it is missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x})",
            f"save {path} as UTF-8",
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
