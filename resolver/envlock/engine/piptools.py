"""pip-tools as the engine, under the interpreter that the lock is for.

``pip-compile`` resolves for the Python that runs it, and its API is pip's
internals, so it is run as a program in a helper environment: one for each
interpreter, in the user's cache, with pip and pip-tools pinned.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from envlock.engine.absent import confirm_absent
from envlock.engine.files import collect, lay_out
from envlock.engine.helper import helper_python
from envlock.engine.interface import Answer, Problem, Unsatisfiable
from envlock.engine.uv import Uv
from envlock.errors import IndexFailure, WorkError
from envlock.index.handover import pip_environment
from envlock.index.redact import redact
from envlock.index.ways import for_pip
from envlock.progress import Progress
from envlock.system import OutOfTime, cache_folder, run_solver, scratch

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
    """

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with pip-compile of the helper environment of the target's interpreter."""
        if problem.target.python.release[:2] == _NO_BACKTRACKING:
            started = Uv().solve(problem, progress)
            if isinstance(started, Unsatisfiable):
                return started
            pins = {package.name: package.version for package in started.packages}
            problem = replace(problem, preferences=pins)
        python = helper_python(problem.target, problem.settings, progress)
        with for_pip(problem.settings) as settings, scratch() as folder:
            files = lay_out(problem, folder)
            command: list[str | Path] = [python, "-m", "piptools", "compile"]
            command += [files.requirements.name, "--output-file", files.answer.name]
            command += arguments(problem, folder)
            env = _environment(replace(problem, settings=settings))
            ask = partial(run_solver, _NAME, cwd=folder, env=env, on_line=progress.detail)
            done = ask([*command, *_lazily(problem)])
            if done.returncode != 0 and not _NO_SOLUTION.search(done.stderr):
                # A server may promise parts of files and not give them.
                done = ask(command)
            if done.returncode == 0:
                return collect(files)
        said = redact(done.stderr)
        failed = [line for line in said.splitlines() if _NETWORK.search(line)]
        if failed:
            last = failed[-1].removeprefix("WARNING: ")
            raise IndexFailure(f"pip-tools could not read the package index: {last}")
        if _NO_SOLUTION.search(said):
            confirm_absent(_NOT_FOUND.findall(said), problem)
            # pip names no cause that a reader could use.
            with suppress(OutOfTime):
                told = Uv().solve(problem, progress)
                if isinstance(told, Unsatisfiable):
                    return told
            return Unsatisfiable(text=_causes(said))
        if (broken := _TRACEBACK.findall(said)) and _UNREADABLE.match(broken[-1]):
            raise WorkError(
                "pip-tools could not read a page or the metadata of a file that the package index"
                f" gave: {broken[-1]}",
                "--engine uv",
            )
        raise WorkError(f"pip-tools could not solve the requirements:\n{_causes(said)}")


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
    if problem.target.python.release[:2] != _NO_BACKTRACKING:
        options.append("--resolver=backtracking")
    return options


def _lazily(problem: Problem) -> list[str]:
    """The option for lazy wheels, which pip's old resolver does not have."""
    return [] if problem.target.python.release[:2] == _NO_BACKTRACKING else [_LAZY_WHEELS]


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
