"""Run a probe in the interpreter that is examined; whatever happens there is an outcome."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from envlock.choices import PROBE_SECONDS
from envlock.environment.shell import without
from envlock.errors import UsageError
from envlock.outcomes import SCRIPT, Crashed, Failed, Outcome, Passed, Skipped
from envlock.probes.interface import Probe, lines_of, outcome_from
from envlock.system import WINDOWS, Completed, disk_full, is_full, run, says_full, scratch

_OUTPUT = 8000  # characters that are kept of what a probe printed
_SCRIPT_OUTPUT = 100_000  # of what a user's script printed
_ATTEMPTS = 2  # of a probe that somebody kills: a system without memory kills the largest process
_EXCEPTIONS = 0xC000_0000  # where the statuses of Windows begin that mean a crash


def run_probe(
    probe: Probe,
    python: Path,
    *,
    timeout: float = PROBE_SECONDS,
    write_bytecode: bool = False,
    isolated: bool = True,
    extra_env: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
) -> tuple[Outcome, ...]:
    """Try every level in one start of ``python``; one outcome a level, in their order.

    ``words`` are what the script is told besides; for ``behind`` there may be
    outcomes of more levels at the end.

    ``timeout`` is in seconds, for all levels together. ``write_bytecode`` lets
    the interpreter leave ``.pyc`` files in its environment: only where envlock
    owns it. What a shell adds does not count (`envlock.environment.shell`),
    unless it is not ``isolated``; ``extra_env`` goes over that. What it
    puts into temporary folders is gone with it. One that is killed is tried
    once more.

    Raises:
        WorkError: the interpreter cannot be started.
        DiskFull: a level failed for want of room, which says nothing about it.

    """
    options = [*(["-I"] if isolated else []), *([] if write_bytecode else ["-B"])]
    base = {**(without(os.environ) if isolated else os.environ), **(extra_env or {})}
    for _ in range(_ATTEMPTS):
        with scratch("envlock-probe-") as folder:
            results = folder / "envlock-results.jsonl"
            done = run(
                [python, *options, probe.path, results, str(timeout), *words],
                env=environment_of(python, folder, base),
                cwd=folder,
                timeout=timeout,
            )
            said = list(lines_of(results))
            refused = is_full(folder)
        every = tuple(_complete(probe, said, done, timeout))
        refuse_full(every, full=refused, python=python)
        if done.timed_out or not _was_killed(done):
            break
    return every


def run_user_script(python: Path, file: Path, *, timeout: float = PROBE_SECONDS) -> Outcome:
    """Run a user's script as one more level, ``probe:FILENAME``: exit status 0 passes.

    It runs in the current folder, as ``python FILE`` would, but without user
    site packages and ``PYTHON*`` variables, and leaves no ``.pyc`` files and
    nothing in temporary folders. A failure has what it printed as its
    traceback, the end of it where it is long.

    Raises:
        UsageError: there is no such file.
        WorkError: the interpreter cannot be started.

    """
    if not file.is_file():
        raise UsageError(f"{file}: no such probe script")
    level = f"{SCRIPT}{file.name}"
    with scratch("envlock-probe-") as folder:
        env = environment_of(python, folder, without(os.environ))
        done = run([python, "-E", "-s", "-B", file], env=env, timeout=timeout)
    if done.timed_out or _signal(done.returncode):
        return _crashed(level, done, timeout, _SCRIPT_OUTPUT)
    if done.returncode == 0:
        return Passed(level=level)
    output = _output(done, _SCRIPT_OUTPUT)
    last = (output.strip().splitlines() or [""])[-1]
    return Failed(
        level=level,
        error=f"exit status {done.returncode}",
        detail=last,
        traceback=output,
    )


def refuse_full(outcomes: Iterable[Outcome], *, full: bool, python: Path) -> None:
    """Tell a disk that is full from an environment that does not do what it should.

    A program that maps a file of a full disk ends without a word.

    Raises:
        DiskFull: it is.
    """
    for each in outcomes:
        if isinstance(each, Failed):
            said = f"{each.error}: {each.detail}\n{each.traceback}"
        elif isinstance(each, Crashed):
            said = f"{each.detail}\n{each.output}"
        else:
            continue
        if full or says_full(said):
            raise disk_full(f"{each.level} could not be tried", python.parent, said=said)


def _complete(
    probe: Probe, said: Iterable[dict[str, object]], done: Completed, timeout: float
) -> Iterator[Outcome]:
    """Give a level without an outcome one: it crashed, or was not reached after the crash."""
    said = tuple(said)
    outcomes = {each.level: each for each in map(outcome_from, (x for x in said if "level" in x))}
    started = [str(line["start"]) for line in said if "start" in line]
    running = next((level for level in started if level not in outcomes), None)
    unreached = [level.name for level in probe.levels if level.name not in outcomes]
    crashed = running or next(iter(unreached), None)
    for level in probe.levels:
        if level.name in outcomes:
            yield outcomes[level.name]
        elif level.name == crashed:
            yield _crashed(level.name, done, timeout)
        else:
            ending = _ending(done, timeout)
            yield Skipped(level=level.name, detail=f"{crashed} ended the interpreter: {ending}")
    names = {level.name for level in probe.levels}
    yield from (each for each in outcomes.values() if each.level not in names)


def _crashed(level: str, done: Completed, timeout: float, longest: int = _OUTPUT) -> Crashed:
    return Crashed(
        level=level,
        detail=_ending(done, timeout),
        output=_output(done, longest),
        stopped=done.timed_out or _was_killed(done),
    )


def _was_killed(done: Completed) -> bool:
    return not WINDOWS and done.returncode == -signal.SIGKILL


def _ending(done: Completed, timeout: float) -> str:
    if done.timed_out:
        return f"no end within {timeout:g} s"
    return _signal(done.returncode) or f"the interpreter left with exit status {done.returncode}"


def _signal(returncode: int) -> str:
    """Name what killed a process, or return "" when it ended by itself."""
    if returncode < 0:
        try:
            return signal.Signals(-returncode).name
        except ValueError:
            return f"signal {-returncode}"
    return f"exception 0x{returncode:08X}" if WINDOWS and returncode >= _EXCEPTIONS else ""


def _output(done: Completed, longest: int) -> str:
    return f"{done.stdout}{done.stderr}"[-longest:]


def environment_of(python: Path, temporary: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of what is run; TensorFlow leaves files in the temporary folder."""
    env = dict(base)
    prefix = python.parent
    if WINDOWS and (prefix / "conda-meta").is_dir():
        # Libraries of an environment that is not activated are found by PATH alone.
        env["PATH"] = os.pathsep.join(
            (str(prefix), str(prefix / "Library" / "bin"), env.get("PATH", ""))
        )
    return {**env, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))}
