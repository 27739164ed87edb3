"""The program: ``envlock``, or ``python -m envlock``."""

import gc
import sys


def main() -> None:
    """Run it, and end with its exit code."""
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


def _interrupted() -> int:
    import signal  # noqa: PLC0415  (even this takes long enough for a Ctrl-C to come between)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from envlock.cli import interrupted, process  # noqa: PLC0415  (as above)

    process.open_streams()
    return interrupted(sys.argv[1:])


if __name__ == "__main__":
    main()
