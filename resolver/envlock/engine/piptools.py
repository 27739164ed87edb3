"""pip-tools as the engine, under the interpreter that the lock is for.

``pip-compile`` resolves for the Python that runs it, and its API is pip's
internals, so it is run as a program: from where envlock is installed for the
Python that runs envlock, else in a helper environment of the interpreter.
"""

from __future__ import annotations

import hashlib
import os
import re
import site
import sys
import sysconfig
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.choices import EVERY, IndexStrategy
from envlock.engine.confirm import laid_out
from envlock.engine.interface import (
    Answer,
    Problem,
    Solution,
    Unsatisfiable,
    brief,
    collect,
    confirm_absent,
    lay_out,
)
from envlock.engine.uv import Uv
from envlock.errors import IndexFailure, InterpreterMissing, WorkError
from envlock.index.handover import (
    pip_environment,
    socks_proxy,
    uv_environment,
    uv_options,
    uv_program,
)
from envlock.index.pages import Index
from envlock.index.secrets import redact
from envlock.index.settings import load_settings
from envlock.index.unbuilt import Unbuilt
from envlock.index.ways import for_pip
from envlock.model import IndexSettings, Target
from envlock.progress import Progress
from envlock.standards import requirement
from envlock.system import (
    WINDOWS,
    Completed,
    OutOfTime,
    cache_folder,
    exclusive,
    remove_tree,
    run,
    run_solver,
    scratch,
    write_texts,
)
from envlock.versions import exact

#: The newest pip-tools for each Python, and a pip that it works with.
PINS = {
    "3.6": ("pip-tools==6.4.0", "pip==21.3.1", "setuptools==59.6.0", "wheel==0.37.1"),
    "3.7": ("pip-tools==6.14.0", "pip==23.0.1"),
    "3.8": ("pip-tools==7.5.2", "pip==25.0.1"),
    "3.9": ("pip-tools==7.6.2", "pip==26.0.1"),
}
NEWEST = ("pip-tools==7.6.2", "pip==26.3")
#: What pip needs to read through a SOCKS proxy.
_SOCKS = "PySocks==1.7.1"
_READY = "envlock-helper-ready"
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


def helper_python(target: Target, asked: IndexSettings, progress: Progress) -> Path:
    """The interpreter that has pip-tools for ``target``: envlock's own, or that of a helper.

    A helper environment is made when it is missing. Several envlocks at once
    make it once; one whose base interpreter has gone is made anew. Its
    pip-tools comes from where pip is configured to look, not from the index of
    the request (``asked``), which may not have it.

    Raises:
        InterpreterMissing: the target has no interpreter here; pip-tools
            resolves for the Python it runs under.
        WorkError: the helper cannot be made.
    """
    if target.interpreter is None:
        raise InterpreterMissing(
            f"pip-tools needs a Python {target.minor} to resolve for it, and none is here",
            "--engine uv",
        )
    socks = socks_proxy(asked)
    if _is_own(target.interpreter) and _has("piptools") and (_has("socks") or not socks):
        return Path(sys.executable)
    pins = PINS.get(target.minor, NEWEST)
    if socks:
        pins = (*pins, _SOCKS)
    key = hashlib.sha256(os.fsencode("\0".join((str(target.interpreter.resolve()), *pins))))
    name = f"pip-tools-{target.minor}-{key.hexdigest()[:12]}"
    folder = cache_folder("helpers", name, programs=True)
    python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
    if (folder / _READY).exists() and python.exists():
        return python
    with exclusive(folder.parent / f"{folder.name}.lock", tell=progress.note):
        if not ((folder / _READY).exists() and python.exists()):
            with progress.phase(f"prepare pip-tools for Python {target.minor} (once)"):
                _make(folder, target.interpreter, pins, asked)
    return python


def _is_own(interpreter: Path) -> bool:
    """Whether an interpreter is the one that runs envlock, or that envlock's venv was made from."""
    base: str = getattr(sys, "_base_executable", "") or ""
    own = {Path(each).resolve() for each in (sys.executable, base) if each}
    return interpreter.resolve() in own


def _has(module: str) -> bool:
    """Whether a Python that starts without any variable of the user's can import a module."""
    found = find_spec(module)
    places = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_user_site())
    where = Path(found.origin) if found and found.origin else None
    return where is not None and any(where.is_relative_to(place) for place in places)


def _user_site() -> tuple[str, ...]:
    return (site.getusersitepackages(),) if site.ENABLE_USER_SITE else ()


def _make(folder: Path, interpreter: Path, pins: tuple[str, ...], asked: IndexSettings) -> None:
    python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
    # The pins are exact, and the machine's first index may lack one, as an index of few packages.
    settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
    if asked.no_index:  # what may come from nowhere else: a cache, and the same folders
        links = (*settings.find_links, *asked.find_links)
        settings = replace(settings, find_links=links, offline=True, refresh=False)
    env = uv_environment(settings)
    uv = uv_program()
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", interpreter, folder],
        [uv, "pip", "install", "--quiet", "--python", python, *uv_options(settings), *pins],
    )
    for command in commands:
        done = run(command, env=env, stall=12 * settings.timeout)
        if done.returncode != 0:
            remove_tree(folder)
            raise WorkError(
                f"cannot prepare pip-tools for {interpreter}:\n{redact(done.stderr).strip()}",
                "--engine uv",
            )
    write_texts({folder / _READY: "\n".join(pins) + "\n"})


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
        try:
            python = helper_python(problem.target, problem.settings, progress)
        except WorkError:
            if not problem.settings.no_index:
                raise
            progress.note("uv resolves: pip-tools is not here, and no index is to be asked for it")
            return Uv().solve(problem, progress)
        seed = _seed(problem, progress)
        if seed is not None and _has_odd_extras(problem):
            return seed
        if isinstance(seed, Solution):
            pins = {package.name: package.version for package in seed.packages}
            problem = replace(problem, preferences=pins)
            if _backtracks(problem) and (found := _confirmed(problem, python, progress)):
                return found
        if isinstance(seed, Unsatisfiable) and not _backtracks(problem):
            return seed
        answer = _solved(problem, python, progress)
        # pip names no cause that a reader could use.
        if seed is not None and (
            (isinstance(seed, Unsatisfiable) and isinstance(answer, Unsatisfiable))
            or (isinstance(answer, Solution) and _takes_withdrawn(answer, problem))
        ):
            return seed
        return answer


def _takes_withdrawn(answer: Solution, problem: Problem) -> bool:
    """Whether a pin was yanked and the request does not name it, but some package does.

    pip takes it then, and uv does not: whoever asks should know what they get.
    """
    said = map(requirement, (*problem.requirements, *problem.constraints))
    asked = {(canonicalize_name(each.name), exact(each.specifier)) for each in said if each}
    pins = {p.name: p.version for p in answer.packages if (p.name, p.version) not in asked}
    listed = Index(problem.settings).pinned(pins)
    return any(files and all(f.yanked is not None for f in files) for files in listed.values())


def _backtracks(problem: Problem) -> bool:
    return problem.target.python.release[:2] != _NO_BACKTRACKING


_EXTRAS = re.compile(r"^[^\[;]*\[([^\]]*)\]")


def _has_odd_extras(problem: Problem) -> bool:
    """Whether an extra is not written in its normal form (PEP 685).

    A pip before 23.3 knows it by the spelling of the metadata alone, and leaves out
    what it does not know, with a warning.
    """
    found = (each for line in problem.requirements for each in _EXTRAS.findall(line))
    names = (name.strip() for each in found for name in each.split(","))
    return any(name and canonicalize_name(name) != name for name in names)


def _seed(problem: Problem, progress: Progress) -> Answer | None:
    """What uv answers; None where it cannot work, of which pip may know nothing."""
    try:
        return Uv().solve(problem, progress)
    except (OutOfTime, Unbuilt):
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
    kinds = problem.settings.kinds
    if wheels := tuple(dict.fromkeys((*problem.wheels_only, *kinds.only_binary))):
        env["PIP_ONLY_BINARY"] = EVERY if EVERY in wheels else ",".join(wheels)
    if EVERY in kinds.all_releases:
        env["PIP_PRE"] = "1"
    elif kinds.all_releases:  # pip before 26 does not know it, nor the next
        env["PIP_ALL_RELEASES"] = ",".join(kinds.all_releases)
    if kinds.only_final:
        env["PIP_ONLY_FINAL"] = ",".join(kinds.only_final)
    if problem.exclude_newer is not None:
        # pip before 26 does not know it; the resolver's date check then adds bounds.
        env["PIP_UPLOADED_PRIOR_TO"] = problem.exclude_newer.isoformat()
    return env


#: What pip prints of its own inside, and of what it has tried.
_INSIDE = re.compile(
    r"\S*(?:pip|piptools|resolvelib)\.[\w.]+: |During handling |The above exc|Discarding "
)
_LISTED = re.compile(r" \(from versions: .*\)|^ERROR: | \(from -r \S+ \(line \d+\)\)")


def _causes(said: str) -> str:
    """What pip said, without tracebacks, warnings and what it looked at; at most a screenful."""
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
    told = [_LISTED.sub("", line) for line in lines if not _INSIDE.match(line)]
    return "\n".join(dict.fromkeys((told or lines)[-20:]))
