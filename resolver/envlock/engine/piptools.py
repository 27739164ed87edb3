"""pip-tools as the engine, under the interpreter that the lock is for.

``pip-compile`` resolves for the Python that runs it, and its API is pip's
internals, so it is run as a program: from where envlock is installed for the
Python that runs envlock, else in a helper environment of the interpreter.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from envlock.engine.absent import confirm_absent
from envlock.engine.confirm import laid_out
from envlock.engine.files import collect, lay_out
from envlock.engine.helper import helper_python
from envlock.engine.interface import Answer, Problem, Solution, Unsatisfiable, brief
from envlock.engine.uv import Uv
from envlock.errors import IndexFailure, WorkError
from envlock.index.handover import pip_environment
from envlock.index.redact import redact
from envlock.index.ways import for_pip
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.system import Completed, OutOfTime, cache_folder, run_solver, scratch

#: How pip and pip-tools of all ages say that nothing fits.
_NO_SOLUTION = re.compile(
    r"ResolutionImpossible|No matching distribution found|Could not find a version that"
    r"|DistributionNotFound|NoCandidateFound|Could not find a version that matches"
)
_NAME = "pip-tools"
_NOT_FOUND = re.compile(r"requirement ([\w.-]+)\S* \(from versions: none\)")
#: The last pip-tools for Python 3.6 cannot backtrack, and its pip does not see
#: a Requires-Python that stands in the file alone: it starts from uv's pins,
#: which it then checks and completes.
_NO_BACKTRACKING = (3, 6)
_NETWORK = re.compile(
    r"ConnectionError|Max retries exceeded|Connection (?:refused|reset|aborted)|ReadTimeout"
    r"|HTTP error \d{3}|\b5\d\d (?:Server|Client) Error|CERTIFICATE_VERIFY_FAILED"
    r"|Connection broken|does not provide upload-time metadata"
)


#: The last line of a traceback of pip's; these are of a page or of metadata that cannot be decoded.
_TRACEBACK = re.compile(r"^Traceback .*\n(?:[ \t].*\n|\n)*(\S.*)", re.MULTILINE)
_UNREADABLE = re.compile(
    r"[\w.]*(?:JSONDecodeError|Unicode\w*Error|RecursionError|AssertionError|ValueError|KeyError"
    r"|TypeError|AttributeError|LookupError|InvalidVersion|InvalidRequirement|ParseError"
    r"|MetadataInvalid|MetadataInconsistent|EOFError|BadZipFile|zlib\.error)\b"
)

#: Where an index has no metadata files (PEP 658), pip reads the end of a wheel
#: instead of all of it: two gigabytes less for one TensorFlow.
_LAZY_WHEELS = "--pip-args=--use-feature=fast-deps"


class PipTools:
    """`Engine` that runs ``pip-compile``; hashes are left to the index pages.

    Its own ``--generate-hashes`` downloads every file of every release it
    pins, seven gigabytes for one TensorFlow.

    pip reads one page and one wheel after the other, and goes back when it
    meets a conflict: uv has an answer in a fraction of the time. So pip is
    asked whether uv's answer is one, from what was read beforehand and at
    once. Where it is not, or uv has none, pip finds its own, and keeps of
    uv's what it can.
    """

    crosses_platforms = False

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with pip-compile, for the target's interpreter."""
        python = helper_python(problem.target, problem.settings, progress)
        seed = _seed(problem, progress)
        if isinstance(seed, Solution):
            pins = {package.name: package.version for package in seed.packages}
            problem = replace(problem, preferences=pins)
            if _backtracks(problem) and (found := _confirmed(problem, python, progress)):
                return found
        if isinstance(seed, Unsatisfiable) and not _backtracks(problem):
            return seed
        answer = _solved(problem, python, progress)
        # pip names no cause that a reader could use.
        both = isinstance(seed, Unsatisfiable) and isinstance(answer, Unsatisfiable)
        return seed if both and seed is not None else answer


def _backtracks(problem: Problem) -> bool:
    return problem.target.python.release[:2] != _NO_BACKTRACKING


def _seed(problem: Problem, progress: Progress) -> Answer | None:
    """What uv answers; None where it cannot work, of which pip may know nothing."""
    try:
        return Uv().solve(problem, progress)
    except OutOfTime:
        raise
    except WorkError:
        return None


def _confirmed(problem: Problem, python: Path, progress: Progress) -> Solution | None:
    """The preferred pins and who asked for them, where pip finds that they fit together."""
    with suppress(IndexFailure), laid_out(problem, python, progress) as settings:
        # The date is kept by what is laid out; links have none.
        done, answer = _run(replace(problem, exclude_newer=None), settings, python, progress)
        return answer if done.returncode == 0 else None
    return None


def _solved(problem: Problem, python: Path, progress: Progress) -> Answer:
    """What pip finds by itself."""
    with for_pip(problem.settings) as settings:
        done, answer = _run(problem, settings, python, progress, *_lazily(problem))
        if answer is None and not _NO_SOLUTION.search(done.stderr):
            # A server may promise parts of files and not give them.
            done, answer = _run(problem, settings, python, progress)
    if answer is not None:
        return answer
    said = brief(redact(done.stderr))
    failed = [line for line in said.splitlines() if _NETWORK.search(line)]
    if failed:
        last = failed[-1].removeprefix("WARNING: ")
        raise IndexFailure(f"pip-tools could not read the package index: {last}")
    if _NO_SOLUTION.search(said):
        confirm_absent(_NOT_FOUND.findall(said), problem)
        return Unsatisfiable(text=_causes(said))
    if (broken := _TRACEBACK.findall(said)) and _UNREADABLE.match(broken[-1]):
        raise WorkError(
            "pip-tools could not read a page or the metadata of a file that the package index"
            f" gave: {broken[-1]}",
            "--engine uv",
        )
    raise WorkError(f"pip-tools could not solve the requirements:\n{_causes(said)}")


def _run(
    problem: Problem, settings: IndexSettings, python: Path, progress: Progress, *more: str
) -> tuple[Completed, Solution | None]:
    """Run pip-compile on a problem, where it sees the indexes of some settings."""
    with scratch() as folder:
        files = lay_out(problem, folder)
        command: list[str | Path] = [python, "-m", "piptools", "compile"]
        command += [files.requirements.name, "--output-file", files.answer.name]
        command += [*arguments(problem, folder), *more]
        env = _environment(replace(problem, settings=settings))
        done = run_solver(_NAME, command, cwd=folder, env=env, on_line=progress.detail)
        return done, collect(files) if done.returncode == 0 else None


def arguments(problem: Problem, folder: Path) -> list[str]:
    """What pip-compile is told beside its files; where packages come from is in its environment.

    Where nothing is to be kept, its cache is in a ``folder`` that is gone afterwards.
    """
    cache = folder / "cache" if problem.settings.no_cache else cache_folder(_NAME)
    options = [
        "--quiet",
        "--no-header",
        "--annotation-style=split",
        "--allow-unsafe",
        "--strip-extras",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--no-emit-trusted-host",
        "--no-emit-options",
        f"--cache-dir={cache}",
    ]
    if _backtracks(problem):
        options.append("--resolver=backtracking")
    return options


def _lazily(problem: Problem) -> list[str]:
    """The option for lazy wheels, which pip's old resolver does not have."""
    return [_LAZY_WHEELS] if _backtracks(problem) else []


def _environment(problem: Problem) -> dict[str, str]:
    env = pip_environment(problem.settings)
    if problem.wheels_only:
        env["PIP_ONLY_BINARY"] = ",".join(problem.wheels_only)
    if problem.exclude_newer is not None:
        # pip before 26 does not know it; the resolver's date check then adds bounds.
        env["PIP_UPLOADED_PRIOR_TO"] = problem.exclude_newer.isoformat()
    return env


def _causes(said: str) -> str:
    """What pip said, without tracebacks and warnings; at most a screenful."""
    lines: list[str] = []
    inside = False
    for line in said.splitlines():
        if line.startswith("Traceback "):
            inside = True
        elif inside and line[:1] not in {"", " "}:
            inside = False
            lines.append(line)
        elif not inside and line.strip() and "WARNING:" not in line:
            lines.append(line.strip())
    return "\n".join(lines[-20:])
