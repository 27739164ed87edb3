"""How fast the machine is that runs a test: limits in seconds are those of one that is known."""

import re
from time import process_time

#: What `_work` takes where the limits were measured; a shared machine has been twice as slow.
_KNOWN = 0.015


def pace() -> float:
    """Return how many times as long this machine takes just now, 1 at least."""
    return max(1.0, min(_work() for _ in range(3)) / _KNOWN)


def _work() -> float:
    start = process_time()
    re.search(r"(?:Error|Exception)\b[^\n]{0,300}:", "-" * 1_000_000)
    sum(range(500_000))
    for _ in range(200_000):
        pass
    return process_time() - start
