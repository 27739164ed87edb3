"""The program: ``envlock``, or ``python -m envlock``."""

import gc
import sys

from envlock import __version__


def main() -> None:
    """Run it, and end with its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]) and _is_told():
        return
    try:
        code = _run()
    except KeyboardInterrupt:  # before a command is at work, or after
        code = _interrupted()
    gc.freeze()  # there is no garbage to look for at the end
    from envlock.cli.process import leave  # noqa: PLC0415  (imports make most garbage)

    leave(code)


def _run() -> int:
    # A start makes many objects that stay: looking for garbage in between takes a tenth of it.
    gc.set_threshold(200_000, 20, 20)
    from envlock.cli import process, run  # noqa: PLC0415  (imports make most of them)

    process.interrupt_once()
    process.open_streams()
    code = run(sys.argv[1:])
    process.interrupt_no_more()
    return code


def _is_told() -> bool:
    """Print the version: scripts ask for it alone, and a command line takes long to build.

    What cannot be printed is not told; the command line says why.
    """
    try:
        sys.stdout.write(f"envlock {__version__}\n")
        sys.stdout.flush()
    except (OSError, AttributeError):  # there is no standard output
        return False
    return True


def _interrupted() -> int:
    import signal  # noqa: PLC0415  (even this takes long enough for a Ctrl-C to come between)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from envlock.cli import interrupted, process  # noqa: PLC0415  (as above)

    process.open_streams()
    return interrupted(sys.argv[1:])


if __name__ == "__main__":
    main()
