"""Build environments: uv does it, and pip where uv does not take the interpreter.

uv 0.13 takes CPython 3.6 and later, and links files from its cache. A later
uv may drop old Pythons; then ``python -m venv`` and that Python's own pip do
the same work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.environment.holding import at_work
from envlock.environment.inspect import installed, prefix_of, site_folders
from envlock.environment.installer import install_failure, run_installer
from envlock.errors import InstallFailure
from envlock.index.handover import pip_environment, uv_environment, uv_options, uv_program
from envlock.index.secrets import redact
from envlock.index.ways import for_pip, for_uv
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.system import Completed, disk_full, is_full, remove_tree, run, scratch, write_texts
from envlock.targets.description import Interpreter
from envlock.targets.interpreters import python_in
from envlock.versions import minor_of

#: uv's words for an interpreter that it does not take.
_REFUSED = re.compile(
    r"Can't use Python at|Failed to inspect Python interpreter|Failed to query Python"
)
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==", re.MULTILINE)
#: The oldest pip that takes every manylinux tag a TensorFlow wheel has (PEP 600).
_OLDEST_PIP = Version("20.3")
_PIP_FOR_OLD_PYTHON = "pip==21.3.1"  # the last for 3.6; pip 18 does not choose it by itself


def create_venv(interpreter: Interpreter, folder: Path, progress: Progress) -> Path:
    """Make a virtual environment without packages, and return its Python.

    ``folder`` may exist; what is in it stays.

    Raises:
        InstallFailure: neither uv nor ``python -m venv`` can make it.
        DiskFull: there is no room for it.
    """
    done = _uv(
        ["venv", "--no-project", "--allow-existing", "--python", interpreter.path, folder],
        folder,
        IndexSettings(),
        progress,
    )
    if done.returncode != 0 and _REFUSED.search(done.stderr):
        command: Sequence[str | Path] = [interpreter.path, "-I", "-m", "venv", folder]
        with at_work(folder) as held:
            done = run(command, on_line=_detail(progress), inherit=held)
    python = python_in(folder)
    if (done.returncode != 0 or python is None) and is_full(folder):
        raise disk_full(f"no virtual environment could be made in {folder}", folder)
    if done.returncode != 0 or python is None:
        raise InstallFailure(
            f"cannot make a virtual environment in {folder} with {interpreter.path}\n"
            f"{redact(done.stderr or done.stdout).strip()}"
        )
    return python


def install(
    python: Path,
    requirements: Sequence[str],
    settings: IndexSettings,
    progress: Progress,
    *,
    alone: bool = False,
) -> None:
    """Add packages to an environment, and what they need unless they are to come ``alone``.

    Raises:
        IndexFailure: an index could not be read.
        InstallFailure: a package could not be found, built or installed.
    """
    with scratch() as folder:
        # A file, since a requirement may be a URL with a password in it.
        wanted = folder / "requirements.txt"
        write_texts({wanted: "".join(f"{each}\n" for each in requirements)})
        words: list[str | Path] = [*(["--no-deps"] if alone else []), "-r", wanted]
        done = _uv_pip("install", words, python, settings, progress)
        if done.returncode != 0 and _REFUSED.search(done.stderr):
            done = _pip(["install", *words], python, settings, progress)
    _check(done, python)


def change(
    python: Path,
    pins: Mapping[NormalizedName, Version],
    settings: IndexSettings,
    progress: Progress,
) -> None:
    """Make an environment hold exactly these releases, by changing what differs in place.

    Nothing that they need is added. No bytecode of another release is left.

    Raises:
        IndexFailure: an index could not be read.
        InstallFailure: a package could not be found, built, installed or removed.
    """
    there = installed(prefix_of(python))
    removed = sorted(there.keys() - pins.keys())
    added = [name for name, version in sorted(pins.items()) if there.get(name) != version]
    _forget_bytecode(prefix_of(python))
    if removed:
        remove(python, removed, settings, progress)
    if added:
        words = ("--no-deps", *(f"{name}=={pins[name]}" for name in added))
        _check(_through("install", words, python, settings, progress), python)


def remove(python: Path, names: Sequence[str], settings: IndexSettings, progress: Progress) -> None:
    """Remove packages from an environment, whoever needs them.

    Raises:
        InstallFailure: one could not be removed.
    """
    _check(_through("uninstall", names, python, settings, progress), python)


def _through(
    verb: str, words: Sequence[str], python: Path, settings: IndexSettings, progress: Progress
) -> Completed:
    """Install or uninstall with uv, or with pip where uv does not take the interpreter."""
    options = [] if verb == "uninstall" else uv_options(settings)
    command: Sequence[str | Path] = ["pip", verb, "--python", python, *options, *words]
    done = _uv(command, prefix_of(python), settings, progress)
    if done.returncode != 0 and _REFUSED.search(done.stderr):
        sure = ["--yes"] if verb == "uninstall" else []
        done = _pip([verb, *sure, *words], python, settings, progress)
    return done


def _forget_bytecode(prefix: Path) -> None:
    """Remove the bytecode of modules that lie in site-packages itself, which uv leaves there.

    Python takes bytecode for that of another file with the same size and the
    same second of its time, as the files of two releases may have.
    """
    for site in site_folders(prefix):
        remove_tree(site / "__pycache__")


def sync(python: Path, requirements: str, settings: IndexSettings, progress: Progress) -> None:
    """Make an environment equal to a lock: the text of a requirements file with hashes.

    What the lock does not name is removed, except pip.

    Raises:
        IndexFailure: an index could not be read.
        InstallFailure: a file does not match its hash, or could not be found,
            built or installed.
    """
    _forget_bytecode(prefix_of(python))
    with scratch() as folder:
        lock = folder / "requirements.txt"
        write_texts({lock: requirements})
        done = _uv_pip(
            "sync",
            ["--require-hashes", "--allow-empty-requirements", lock],
            python,
            settings,
            progress,
        )
        if done.returncode != 0 and _REFUSED.search(done.stderr):
            done = _sync_with_pip(python, lock, settings, progress)
    _check(done, python)


def seed(
    python: Path, interpreter: Interpreter, settings: IndexSettings, progress: Progress
) -> bool:
    """Add pip to an environment: the one that its Python brings, or else the index's.

    A Python without a pip of its own (Debian's) and an index that cannot be
    read leave it out, which is told: nothing that is locked needs it. Returns
    whether it is there.
    """
    wheels = _bundled(interpreter)
    if wheels is None:
        done = _uv_pip("install", ["pip"], python, settings, progress)
    else:
        own: list[str | Path] = ["install", "--python", python, "--offline", "--no-index"]
        done = _uv(
            ["pip", *own, "--find-links", wheels, "pip"],
            prefix_of(python),
            IndexSettings(),
            progress,
        )
        if done.returncode != 0 and _REFUSED.search(done.stderr):
            done = _pip(["--version"], python, settings, progress)
    if done.returncode != 0:
        progress.note(f"{prefix_of(python)} has no pip: {redact(done.stderr).strip()}")
    return done.returncode == 0


def _bundled(interpreter: Interpreter) -> Path | None:
    """The folder with the pip of an interpreter's ``ensurepip``, of which nothing is run."""
    base = prefix_of(interpreter.path.resolve())
    minor = minor_of(interpreter.version)
    places = (
        *(base / f"{lib}/python{minor}/ensurepip/_bundled" for lib in ("lib", "lib64")),
        base / "Lib/ensurepip/_bundled",
        base / "share/python-wheels",
    )
    return next((each for each in places if any(each.glob("pip-*.whl"))), None)


def add(python: Path, requirements: str, settings: IndexSettings, progress: Progress) -> None:
    """Add the packages of a lock to an environment, and nothing that they declare besides.

    What is there already, such as what conda installed, stays.

    Raises:
        IndexFailure: an index could not be read.
        InstallFailure: a file does not match its hash, or could not be found,
            built or installed.
    """
    with scratch() as folder:
        lock = folder / "requirements.txt"
        write_texts({lock: requirements})
        words: list[str | Path] = ["--require-hashes", "--no-deps", "-r", lock]
        done = _uv_pip("install", words, python, settings, progress)
        if done.returncode != 0 and _REFUSED.search(done.stderr):
            done = _pip(["install", *words], python, settings, progress)
    _check(done, python)


def _sync_with_pip(
    python: Path, lock: Path, settings: IndexSettings, progress: Progress
) -> Completed:
    done = _pip(
        ["install", "--require-hashes", "--no-deps", "-r", lock], python, settings, progress
    )
    locked = map(canonicalize_name, _PINNED.findall(lock.read_text(encoding="utf-8")))
    others = sorted(installed(prefix_of(python)).keys() - {"pip", *locked})
    if done.returncode == 0 and others:
        done = _pip(["uninstall", "--yes", *others], python, settings, progress)
    return done


def _check(done: Completed, python: Path) -> None:
    if done.returncode != 0:
        raise install_failure(str(prefix_of(python)), done.stderr)


def _detail(progress: Progress) -> Callable[[str], None]:
    return lambda line: progress.detail(redact(line))


def _uv_pip(
    verb: str,
    words: Sequence[str | Path],
    python: Path,
    settings: IndexSettings,
    progress: Progress,
) -> Completed:
    options = uv_options(settings)
    command: Sequence[str | Path] = ["pip", verb, "--python", python, *options, *words]
    return _uv(command, prefix_of(python), settings, progress)


def _uv(
    words: Sequence[str | Path], prefix: Path, settings: IndexSettings, progress: Progress
) -> Completed:
    with for_uv(settings) as seen:
        return run_installer(
            [uv_program(), *words], prefix, uv_environment(seen), settings, progress
        )


def _pip(
    words: Sequence[str | Path], python: Path, settings: IndexSettings, progress: Progress
) -> Completed:
    with for_pip(settings) as seen:
        env = pip_environment(seen)
        for command in _pip_commands(python, words):
            whole = [python, "-I", "-m", *command]
            done = run_installer(whole, prefix_of(python), env, settings, progress)
            if done.returncode != 0:
                break
    return done


def _pip_commands(python: Path, words: Sequence[str | Path]) -> Iterator[Sequence[str | Path]]:
    """Yield what makes a usable pip, each step once the one before has run, then the work."""
    if _pip_version(python) is None:
        yield ["ensurepip"]
    version = _pip_version(python)
    if version is not None and version < _OLDEST_PIP:
        yield ["pip", "install", _PIP_FOR_OLD_PYTHON]
    yield ["pip", *words]


def _pip_version(python: Path) -> Version | None:
    return installed(prefix_of(python)).get(canonicalize_name("pip"))
