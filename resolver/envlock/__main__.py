"""The program: ``envlock``, or ``python -m envlock``."""

import gc
import sys
from io import TextIOWrapper


def main() -> None:
    """Run it, and end with its exit code."""
    # A start makes many objects that stay: looking for garbage in between takes a tenth of it.
    gc.set_threshold(200_000, 20, 20)
    from envlock.cli import run  # noqa: PLC0415  (imports make most of them)
    from envlock.cli.interrupts import interrupt_once  # noqa: PLC0415  (as above)
    from envlock.cli.leaving import leave  # noqa: PLC0415  (as above)

    interrupt_once()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    gc.freeze()  # nor is there any to look for at the end
    leave(code)


if __name__ == "__main__":
    main()
