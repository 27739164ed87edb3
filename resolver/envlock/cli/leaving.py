"""The end of the program."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

#: Threads of envlock's own, by name (`index.gather`, `system.processes`).
_OWN = ("index", "output")


def leave(code: int) -> None:
    """End with an exit code, whatever still goes on beside.

    A thread that could not be ended (it waits for a name server) would run on
    while the interpreter and OpenSSL are taken apart, and crash now and then.
    """
    if any(thread.name in _OWN and thread.is_alive() for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(code or 0)
    sys.exit(code)
