"""What an installer's last words mean: `EnvlockError`s made from uv's and pip's output."""

from __future__ import annotations

import re

from envlock.errors import IndexFailure, InstallFailure, WorkError
from envlock.index import ceiling
from envlock.index.redact import redact
from envlock.index.trouble import longer
from envlock.model import IndexSettings
from envlock.system import Completed

_LINES_SHOWN = 15
_HASHES_SHOWN = 3
_PATIENCE = 12  # timeouts of one wait: an installer tries again by itself

_UV_MISMATCH = re.compile(
    r"Hash mismatch for `(?P<name>[^`]+)`\s+Expected:\s+(?P<locked>(?:\w+:\w+\s+)+?)\s*"
    r"Computed:\s+(?P<found>\w+:\w+)"
)
_PIP_MISMATCH = re.compile(
    r"(?P<name>\S+) from [^\n]+:\s+Expected \w+ "
    r"(?P<locked>[0-9a-f]+(?:\s+Expected\s+or [0-9a-f]+)*)\s+Got\s+(?P<found>[0-9a-f]+)"
)
_UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|client error \(|HTTP status (?:server|client) error"
    r"|error decoding response body|Request failed after|could not be queried"
    r"|Retrying \(Retry|Max retries exceeded|IncompleteRead|ReadTimeoutError|ProtocolError"
    r"|\d{3} (?:Client|Server) Error|Could not fetch URL",
)


def _limit(timeout: float) -> float:
    return ceiling.patience(timeout, _PATIENCE)


def patience(settings: IndexSettings) -> float:
    """Return for how many seconds an installer may fetch next to nothing."""
    return _limit(settings.timeout)


def refuse_stalled(done: Completed, settings: IndexSettings) -> None:
    """Refuse what an installer was ended for.

    Raises:
        IndexFailure: it did not get on.
    """
    if done.timed_out:
        raise IndexFailure(
            f"the packages could not be fetched: next to nothing came in {patience(settings):g} s,"
            " which is the time limit",
            longer(settings.timeout, _limit),
        )


def install_failure(where: str, output: str) -> WorkError:
    """Make the error for an installer that failed in ``where``, from what it printed."""
    said = redact(output)
    for pattern in (_UV_MISMATCH, _PIP_MISMATCH):
        if mismatch := pattern.search(said):
            return _mismatch(mismatch)
    if _UNREACHABLE.search(said):
        return IndexFailure(f"the packages for {where} could not be fetched\n{_last_words(said)}")
    return InstallFailure(f"the packages could not be installed in {where}\n{_last_words(said)}")


def _mismatch(mismatch: re.Match[str]) -> InstallFailure:
    name, found = mismatch["name"], mismatch["found"]
    locked = re.findall(r"\b[0-9a-f]{32,}\b", mismatch["locked"])
    shown = ", ".join(f"sha256:{each}" for each in locked[:_HASHES_SHOWN])
    if len(locked) > _HASHES_SHOWN:
        shown += f" and {len(locked) - _HASHES_SHOWN} more"
    return InstallFailure(
        f"{name}: the file that the index gave is not the one that was locked\n"
        f"  locked {shown}\n"
        f"  got    sha256:{found.removeprefix('sha256:')}",
        f"--upgrade-package {name.partition('==')[0]}",
    )


def _last_words(said: str) -> str:
    """Return the message without the progress before it, long ones shortened from the top."""
    lines = said.strip().splitlines()
    start = next((i for i, line in enumerate(lines) if line.lower().startswith("error")), 0)
    kept = [line for line in lines[start:] if line.strip()]
    return "\n".join(f"  {line}" for line in kept[-_LINES_SHOWN:])
