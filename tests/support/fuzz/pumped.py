"""One thing said again and again, which is where a search that goes back takes its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_LONG = 100_000  # bytes of it
UNITS = (
    *("a ", " ", "\t", "\\", "x", "é", "0", "a.", "a-", "a, ", "a=", "a]", "a1-", "1.", "==1"),
    *("[", "[a", "]", "(", "<", "{", "$", "${A}", ",", "'", '"', "# ", "# [", "; ", "|", "-", "_"),
    *("@", " @ ", "/", "/t/x", "a::", "http://", "--hash=sha256:", "pkg==1.0 ; ", "a\r", "="),
    *("error: ", "because ", "/site-packages/a", 'File "', "Expected a:b "),
)


def pumped(seed: bytes, units: Sequence[str] = UNITS) -> Iterator[bytes]:
    """Yield a file with a long run of each unit: after it, in its middle, in one of its lines."""
    lines = seed.split(b"\n")
    half, middle = len(seed) // 2, len(lines) // 2
    for unit in (each.encode() for each in units):
        run = unit * (_LONG // len(unit))
        yield b"%b\n%b\n" % (seed, run)
        yield seed[:half] + run + seed[half:]
        yield b"\n".join((*lines[:middle], lines[middle] + run + b"!", *lines[middle + 1 :]))
