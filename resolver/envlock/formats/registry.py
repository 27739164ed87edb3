"""The formats there are: names, what shows each of them, what it can hold, who reads and writes it.

What kind of file is this? By what is in it, else by its name, in small letters
or large. What a format can do is told by its row; nobody asks for its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Flag, StrEnum, auto
from pathlib import Path, PurePath

from msgspec import Struct
from msgspec.structs import replace

from envlock.builds import DirectKind
from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.comments import read_heading
from envlock.formats.content import PENDING, sealed
from envlock.formats.listings import HEAD, is_explicit, is_freeze, is_json, is_table
from envlock.formats.lock_rows import ANYWHERE, LockRow, refuse_places
from envlock.formats.lockfile import LockEntries
from envlock.formats.logs import in_trouble, is_log
from envlock.formats.reading import decode, is_binary
from envlock.model import Lock, Selection
from envlock.system import opened
from envlock.system.typed import uv_command

_MOST = 1 << 20  # bytes that are looked at
#: By its name a file that asks for packages: no lock is written over it.
_ASKS = re.compile(r".+\.in", re.IGNORECASE)


class FileFormat(StrEnum):
    """The formats that are told apart."""

    REQUIREMENTS = "requirements"
    FREEZE = "freeze"
    LISTING = "listing"
    ENVIRONMENT = "environment"
    PYPROJECT = "pyproject"
    PYLOCK = "pylock"
    UV_LOCK = "uv-lock"
    POETRY_LOCK = "poetry-lock"
    CONDA_LOCK = "conda-lock"
    PIXI = "pixi"
    EXPLICIT = "explicit"
    NOTEBOOK = "notebook"
    DOCKERFILE = "dockerfile"
    PIPFILE = "pipfile"
    PIPFILE_LOCK = "pipfile-lock"
    PDM_LOCK = "pdm-lock"
    PIXI_TOML = "pixi-toml"
    SETUP_PY = "setup-py"
    SETUP_CFG = "setup-cfg"
    TOX = "tox"
    SCRIPT = "script"
    CODE = "code"
    LOG = "log"
    MODEL = "model"


class Can(Flag):
    """What may be done with a file, beside looking into it."""

    ASK = auto()
    """It asks for packages: ``-r``."""
    BOUND = auto()
    """It bounds versions: ``-c``."""
    EDIT = auto()
    """Its pins can be changed in place."""


class Row(Struct, frozen=True):
    """One format: what it is in words, the names of its files, what shows it in a text, its uses.

    ``lock`` says how locks are written in it, where they are.
    """

    format: FileFormat
    what: str
    names: re.Pattern[str] | None = None
    shows: Callable[[str], object] | None = None
    can: Can = Can(0)
    lock: LockRow | None = None


def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _lines(*starts: str) -> Callable[[str], bool]:
    """Whether near its beginning a text has a line that starts with each of these."""
    return lambda text: all(f"\n{start}" in f"\n{text[:HEAD]}" for start in starts)


def _any_line(*starts: str) -> Callable[[str], bool]:
    return lambda text: any(_lines(start)(text) for start in starts)


def _of_conda(
    module: str,
    filename: str,
    *,
    several: bool = False,
    apart: bool = False,
    places: frozenset[DirectKind] = frozenset(),
) -> LockRow:
    """A format for conda's packages, with those of pip beside them if there are some."""
    return LockRow(
        module=module,
        filename=filename,
        addresses=True,
        conda=True,
        pypi=False,
        several=several,
        apart=apart,
        places=places,
    )


def _is_notebook(text: str) -> bool:
    return text[:HEAD].lstrip().startswith("{") and '"nbformat"' in text


def _is_pipfile_lock(text: str) -> bool:
    head = text[:HEAD]
    return head.lstrip().startswith("{") and '"_meta"' in head and '"pipfile-spec"' in head


def _is_conda_lock(text: str) -> bool:
    """Whether a text is a lock of conda-lock's, or one of micromamba's in JSON."""
    head = text[:HEAD]
    in_json = head.lstrip().startswith("{") and '"lockVersion"' in head
    return in_json or _IN_YAML_OF_CONDA(text)


#: The first line of an image that says something, comments and its parser's directives aside.
_FIRST = re.compile(
    r"^[ \t]*(?!#|ARG |\s|\Z)(?P<base>FROM[ \t]+\S(?!.*\bimport\b))?", re.IGNORECASE | re.MULTILINE
)


def _is_dockerfile(text: str) -> bool:
    first = _FIRST.search(text)
    return first is not None and first["base"] is not None


def _is_pixi_toml(text: str) -> bool:
    """Whether there are tables that only pixi has: a channel stands beside dependencies."""
    return _IN_PIXI_TOML(text) or _lines("channels", "platforms", "[dependencies]")(text)


def _is_code(text: str) -> bool:
    """Whether a text begins as a script for Python does."""
    return bool(_SHEBANG.match(text))


_SHEBANG = re.compile(r"#![^\n]*\bpython[\d.]*\s*\n")
_DOCKERFILE = _names(r"(?:.+\.)?(?:dockerfile|containerfile)(?:\..+)?")
_IN_PDM_LOCK = _lines("[metadata]", "content_hash = ", "[[package]]")
_IN_PIPFILE = _lines("[packages]")
_IN_PIXI_TOML = _any_line("[pypi-dependencies]", "[feature.", "[pypi-options]")
_IN_SETUP_CFG = _lines("[options]", "install_requires")
_IN_TOX = _any_line("[tox]", "[testenv]")
_MODEL = _names(r".+\.(?:h5|hdf5|keras)")
_EXPLICIT = _names(r"conda(?:-[a-z0-9]+-[a-z0-9]+)?\.lock")
_PYLOCK = _names(r"pylock(?:\.[^.]+)?\.toml")
_CONDA_LOCK = _names(r"(?:.+[.-])?conda-lock\.ya?ml|.+-lock\.ya?ml")
_IN_PYLOCK = _lines("lock-version", "[[packages]]")
_IN_UV_LOCK = _lines("version = ", "[[package]]", "source = {")
_IN_POETRY_LOCK = _lines("[[package]]", "python-versions = ")
_IN_PYPROJECT = _any_line("[project]", "[tool.poetry]", "[dependency-groups]", "[build-system]")
_IN_YAML_OF_CONDA = _lines("version: ", "metadata:", "package:")
_IN_PIXI = _lines("version: ", "environments:")
_IN_ENVIRONMENT = _any_line("dependencies:", "channels:", "prefix:", "variables:")
_REQUIREMENTS = _names(r".+\.(?:txt|in)|requirements\S*\.lock")
_EVERY_USE = Can.ASK | Can.BOUND | Can.EDIT
_F = FileFormat
#: A format that shows itself in more ways comes before one that shows itself in fewer, and one
#: with a name of its own before one that takes every name of its kind.
FORMATS = (
    Row(_F.MODEL, "a model that Keras saved", _MODEL),
    Row(_F.NOTEBOOK, "a notebook", _names(r".+\.ipynb"), _is_notebook),
    Row(
        _F.EXPLICIT,
        "an explicit list of conda packages",
        _EXPLICIT,
        is_explicit,
        lock=_of_conda("explicit", "conda.lock", apart=True),
    ),
    Row(_F.LISTING, "what pip list or conda list prints", None, is_table),
    Row(
        _F.PYLOCK,
        "a pylock.toml",
        _PYLOCK,
        _IN_PYLOCK,
        lock=LockRow(
            module="pylock",
            filename="pylock.toml",
            files=True,
            several=True,
            selections=True,
            places=ANYWHERE,
        ),
    ),
    Row(_F.PDM_LOCK, "pdm's lock", _names(r"pdm(?:\.[^.]+)?\.lock"), _IN_PDM_LOCK),
    Row(_F.UV_LOCK, "uv's lock", _names(r"uv\.lock"), _IN_UV_LOCK),
    Row(_F.POETRY_LOCK, "Poetry's lock", _names(r"poetry\.lock"), _IN_POETRY_LOCK),
    Row(_F.PIXI_TOML, "a pixi.toml", _names(r"pixi\.toml"), _is_pixi_toml),
    Row(_F.PYPROJECT, "a pyproject.toml", _names(r"pyproject\.toml"), _IN_PYPROJECT, Can.ASK),
    Row(_F.PIPFILE, "a Pipfile", _names(r"pipfile"), _IN_PIPFILE, Can.ASK),
    Row(_F.PIPFILE_LOCK, "pipenv's lock", _names(r"pipfile\.lock"), _is_pipfile_lock),
    Row(_F.SETUP_CFG, "a setup.cfg", _names(r"setup\.cfg"), _IN_SETUP_CFG, Can.ASK),
    Row(_F.TOX, "a tox.ini", _names(r"tox\.ini"), _IN_TOX),
    Row(_F.SETUP_PY, "a setup.py", _names(r"setup\.py"), None, Can.ASK),
    Row(_F.CODE, "a Python script", _names(r".+\.pyw?"), _is_code),
    Row(_F.DOCKERFILE, "a Dockerfile", _DOCKERFILE, _is_dockerfile),
    Row(_F.SCRIPT, "a script", _names(r"(?:gnu)?makefile|.+\.(?:mk|sh|bash|bat)")),
    Row(
        _F.CONDA_LOCK,
        "conda-lock's lock",
        _CONDA_LOCK,
        _is_conda_lock,
        lock=_of_conda(
            "conda_lock",
            "conda-lock.yml",
            several=True,
            places=ANYWHERE - {DirectKind.DIRECTORY},
        ),
    ),
    Row(
        _F.PIXI,
        "pixi's lock",
        _names(r"(?:.+\.)?pixi\.lock"),
        _IN_PIXI,
        lock=_of_conda("pixi", "pixi.lock", several=True),
    ),
    Row(
        _F.ENVIRONMENT,
        "an environment.yml",
        _names(r".+\.ya?ml"),
        _IN_ENVIRONMENT,
        _EVERY_USE ^ Can.BOUND,
        LockRow(
            module="environment_yml",
            filename="environment.yml",
            hashes=False,
            conda=True,
            places=ANYWHERE,
        ),
    ),
    Row(_F.FREEZE, "what pip freeze prints", None, is_freeze, _EVERY_USE),
    Row(
        _F.REQUIREMENTS,
        "a requirements file",
        _REQUIREMENTS,
        None,
        _EVERY_USE,
        LockRow(
            module="requirements",
            filename="requirements.txt",
            beside=True,
            markers=True,
            options=True,
            places=ANYWHERE,
        ),
    ),
    Row(_F.LOG, "a log"),
)
ROWS = {row.format: row for row in FORMATS}
#: The formats that locks are written in.
LOCKS: Mapping[Format, LockRow] = {
    kind: row.lock for kind in Format if (row := ROWS[FileFormat(kind.value)]).lock is not None
}


def can(found: FileFormat | None, ability: Can) -> bool:
    """Whether a file of a format is good for something."""
    return found is not None and ability in ROWS[found].can


def named(path: PurePath) -> FileFormat | None:
    """Tell the format of a file by its name alone; None: the name says nothing."""
    return next(
        (row.format for row in FORMATS if row.names and row.names.fullmatch(path.name)), None
    )


def detect(path: PurePath, text: str) -> FileFormat | None:
    """Tell the format of a text in a file of this name; None: neither says anything.

    A text that speaks of an error may quote any file, so there the name decides,
    and whether most lines could be requirements.
    """
    if is_json(text):
        return FileFormat.LISTING
    shown = next((row.format for row in FORMATS if row.shows and row.shows(text)), None)
    if shown is not None and not in_trouble(text):
        return shown
    by_name = named(path)
    if by_name not in {None, FileFormat.REQUIREMENTS}:
        return by_name
    if is_log(text, named=by_name is not None):
        return FileFormat.LOG
    return FileFormat.REQUIREMENTS if text.strip() else by_name


def meant(path: PurePath, text: str) -> FileFormat | None:
    """Tell the format of a file that is to be something else than a log, whatever its lines."""
    found = detect(path, text)
    return named(path) if found is FileFormat.LOG else found


def format_at(path: Path) -> FileFormat | None:
    """Tell the format of what is at a path; of what is no regular file, by its name.

    None: it is no text, and no model by its name.
    """
    try:
        with opened(path) as file:
            content = file.read(_MOST)
    except OSError:  # a pipe can be read once only; why another cannot be, its reader says
        return named(path)
    return named(path) if is_binary(content) else meant(path, decode(content))


def beside(path: Path) -> Path:
    """Return the name of a lock whose usual name is that of its input."""
    if path.suffix == ".txt":
        return path.with_suffix(".lock")
    return path.with_stem(f"{path.stem}.lock")


_OF_OTHERS = re.compile(r"^#.*\bautogenerated by\b|--hash=", re.MULTILINE)


def is_lock(path: PurePath, text: str) -> bool:
    """Whether a file that could ask for packages is a lock, of envlock or another tool."""
    if read_heading(text.splitlines()).ours:
        return True
    return meant(path, text) is not FileFormat.ENVIRONMENT and bool(_OF_OTHERS.search(text))


def format_of(path: PurePath, text: str = "") -> Format | None:
    """Tell the format of a lock by its text where that says it, else by its name; or None.

    PEP 751 allows two names for its locks: ``pylock.toml`` and
    ``pylock.NAME.toml``, where NAME has no dot.
    """
    if not text and _ASKS.fullmatch(path.name):
        return None
    kind = meant(path, text) if text else named(path)
    if kind is FileFormat.FREEZE:
        return Format.REQUIREMENTS
    return None if kind is None or ROWS[kind].lock is None else Format(kind.value)


def texts_of(lock: Lock, kind: Format, *, together: bool = False) -> Mapping[str, str]:
    """Return the files of a lock in a format: name → text.

    ``together`` asks for one file of all platforms where the format can.

    Raises:
        UsageError: the format has no place for its packages.
        EnvlockError: the lock lacks something that the format must hold.
    """
    refuse_unfit(kind, of_conda=lock.of_conda, selections=lock.selections)
    row = LOCKS[kind]
    refuse_places(kind, lock, LOCKS)
    lock = replace(lock, content=PENDING if lock.request_digest else "")
    if together and row.markers and not lock.of_conda:
        texts = {row.filename: row.load().together(lock)}
    else:
        names = row.names([part.place for part in lock.parts])
        texts = dict(zip(names, row.load().render(lock), strict=True))
    if not lock.content:
        return texts
    return {name: sealed(text, _read(kind, name, text)) for name, text in texts.items()}


def read_lock(
    path_name: str,
    text: str,
    *,
    markers: Mapping[str, str] | None = None,
    environment: str | None = None,
) -> Lock:
    """Read the lock in a file, its format told by what is in it or by the file's name.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.
    ``environment`` is the one that is meant of a file that has several.

    Raises:
        UsageError: not a lock envlock reads; says the line or the key.
    """
    kind = format_of(PurePath(path_name), text)
    if kind is None and detect(PurePath(path_name), text) is FileFormat.UV_LOCK:
        raise UsageError(
            f"{path_name} is uv's lock, which uv writes in formats that envlock reads",
            uv_command("export", "--format", "pylock.toml", "-o", "pylock.uv.toml"),
        )
    if kind is None:
        raise UsageError(
            f"{path_name}: not the name of a lock (NAME.txt, pylock.toml, pylock.NAME.toml,"
            " NAME.yml, conda-lock.yml, pixi.lock, or a list with @EXPLICIT)"
        )
    return _read(kind, path_name, text, markers, environment)


def _read(
    kind: Format,
    name: str,
    text: str,
    markers: Mapping[str, str] | None = None,
    environment: str | None = None,
) -> Lock:
    heading = read_heading(text.splitlines())
    gathered = LockEntries(heading=heading, markers=markers, environment=environment)
    LOCKS[kind].load().read(name, text, gathered)
    return gathered.lock()


def refuse_unfit(kind: Format, *, of_conda: bool, selections: Sequence[Selection] = ()) -> None:
    """Refuse a format that holds no conda packages, no others, or nothing that can be chosen.

    Raises:
        UsageError: it does not.
    """
    row = LOCKS[kind]
    if selections and not row.selections:
        names = ", ".join(each for each in Format if LOCKS[each].selections)
        raise UsageError(
            f"the format {kind} holds what is installed everywhere, and {selections[0]} is to be"
            " chosen where the lock is installed",
            f"write it as {names} alone: --format {Format.PYLOCK}",
            f"name what is to be installed everywhere in place of --all-{selections[0].kind}s:"
            f" --{selections[0].kind} {selections[0].name}",
        )
    if of_conda and not (row.conda or row.beside):
        names = ", ".join(each for each in Format if LOCKS[each].conda or LOCKS[each].beside)
        raise UsageError(
            f"conda packages have no place in the format {kind}",
            f"choose one of {names}: --format {Format.ENVIRONMENT}",
        )
    if not of_conda and not row.pypi:
        raise UsageError(
            f"--format {kind} holds conda packages, and this request has none",
            "give it an environment file: -r environment.yml",
        )
