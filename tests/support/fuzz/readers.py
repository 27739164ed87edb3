"""The readers: what each is given, and what it may end in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from envlock.config import load_config
from envlock.diagnose.report import examined_data
from envlock.docker.bases import parse_freeze, parse_image
from envlock.environment import place, recovery
from envlock.environment.journal import fixes
from envlock.environment.state import examine_environment
from envlock.errors import EnvlockError
from envlock.evidence import documents, library
from envlock.examine.files import examine_content, examine_path
from envlock.findings import Examined
from envlock.formats.conda_spec import parse_spec
from envlock.formats.model_content import content
from envlock.formats.model_file import examine_model
from envlock.formats.registry import format_at, read_lock
from envlock.formats.requirements import find_root
from envlock.index import settings
from envlock.index.parse import Incomplete, NotAPage, parse_html, parse_json
from envlock.matrix.plan import read_plan
from envlock.model import Target
from envlock.progress import Silent
from envlock.request import words
from envlock.request.environment_yml import read_environment
from envlock.request.files import read_constraints_file, read_request_file
from envlock.request.words import applicable
from envlock.rules import database
from envlock.system import read_text
from envlock.targets.description import describe, target
from envlock.targets.platforms import read_platforms

Allowed = tuple[type[Exception], ...]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One reader. ``place`` is the file it is given below a folder of its own."""

    name: str
    place: str
    read: Callable[[Path], object]
    language: str
    allowed: Allowed = (EnvlockError,)
    around: Mapping[str, str] | None = None


@cache
def _target() -> Target:
    import sys  # noqa: PLC0415  (the one Python that is surely here)

    return target(describe(Path(sys.executable)))


def _request(path: Path) -> object:
    parsed = read_request_file(
        path, path.parent, ("gpu",), ("dev",) if "groups" in _text(path) else ()
    )
    return applicable(parsed.requirements, _target())


def _constraints(path: Path) -> object:
    return applicable(read_constraints_file(path, path.parent).constraints, _target())


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _lock(path: Path) -> object:
    whole = read_lock(path.name, read_text(path))
    return whole, read_lock(path.name, read_text(path), markers=_target().markers)


def _examined(path: Path) -> str:
    return _printed(examine_path(path))


def _printed(found: Examined) -> str:
    return json.dumps(examined_data(found)).encode().decode()


def _content(path: Path) -> str:
    return _printed(examine_content(_text(path), "standard input"))


def _model(path: Path) -> bytes:
    return repr((content(path), examine_model(path))).encode()


def _rules(path: Path) -> bytes:
    return "\n".join(database.check(path.parent)[1]).encode(errors="surrogateescape")


def _evidence(path: Path) -> object:
    library.check(path.parent)
    return documents.render(documents.read(path.name, read_text(path)))


def _site(path: Path) -> str:
    for folder in (path, *path.parents):
        if (folder / "pyvenv.cfg").exists():
            return _printed(examine_environment(folder).examined)
    raise AssertionError(path)


def _words(path: Path) -> object:
    typed = _text(path).split("\n")
    try:
        words.parse_names(typed, "--keep")
        words.parse_upgrades(typed)
    except EnvlockError as error:
        str(error).encode(errors="surrogateescape")
    return words.parse_words(typed)


def _options(path: Path) -> object:
    text = _text(path)
    found: list[object] = []
    for read in (
        lambda: parse_spec(text),
        lambda: read_platforms([text]),
        lambda: words.parse_date(text, now=datetime(2026, 11, 29, tzinfo=UTC)),
        lambda: parse_image(text),
        lambda: find_root(Path("x")),
    ):
        try:
            found.append(read())
        except EnvlockError as error:
            found.append(error)
    return found


def _settings(path: Path) -> object:
    return settings.settings_from([path], {}, settings.IndexOverrides())


_ENVIRONMENT = {
    "pyvenv.cfg": "home = /usr/bin\nversion = 3.11.4\n",
    "bin/python": "",
    "lib/python3.11/site-packages/demo-1.0.dist-info/METADATA": "Name: demo\nVersion: 1.0\n",
    "lib/python3.11/site-packages/demo-1.0.dist-info/INSTALLER": "pip\n",
    "lib/python3.11/site-packages/demo-1.0.dist-info/RECORD": "demo.py,,1\n",
    "lib/python3.11/site-packages/demo.py": "\n",
    "conda-meta/h5py-3.11.0-py311_0.json": '{"files": ["lib/x"]}',
}
_OWN = ".envlock/0001"
_BACK = '{"event": "replace", "time": "", "id": "x", "names": [], "stayed": []}\n'
_STOPPED = {
    "project/.venv/pyvenv.cfg": "home = /usr/bin\n",
    "project/.venv/bin/python": "",
    "project/.venv/bin/mine.sh": "mine",
    f"project/.venv/{_OWN}/journal.jsonl": _BACK,
    f"project/.venv/{_OWN}/old/bin/python": "old",
    f"project/.venv/{_OWN}/snapshot/bin/python": "old",
    f"project/.venv/{_OWN}/files/0": "old lock\n",
    "project/requirements.txt": "new lock\n",
}
_INFO = "lib/python3.11/site-packages/demo-1.0.dist-info"


def _recovered(path: Path) -> object:
    """What envlock does with a folder that was cloned: it tells, lists, puts right."""
    cloned = next(each for each in path.parents if each.name == ".venv")
    with TemporaryDirectory(dir=cloned.parents[1]) as name:
        outside, folder = Path(name) / "outside.txt", Path(name) / "project" / ".venv"
        shutil.copytree(cloned.parent, folder.parent, symlinks=True)
        outside.write_text("mine")
        place.made_by_envlock(folder)
        past = [(each.state(), each.steps(), each.first()["time"]) for each in fixes(folder)]
        try:
            recovery.recover(folder, Silent(), wait=True)
        finally:
            assert outside.read_text() == "mine"
            assert [*Path(name).rglob("mine.sh")] != []
    return repr(past).encode(errors="surrogateescape")


def _html(path: Path) -> object:
    return parse_html(_text(path), "https://index.example/simple/demo/")


def _json(path: Path) -> object:
    return parse_json(path.read_bytes(), "https://index.example/simple/demo/")


def _of(name: str, place: str, read: Callable[[Path], object], language: str) -> Reader:
    return Reader(name=name, place=place, read=read, language=language)


READERS = (
    _of("requirements", "requirements.in", _request, "text"),
    _of("constraints", "constraints.txt", _constraints, "text"),
    _of("project", "pyproject.toml", _request, "toml"),
    Reader(
        name="environment-yml",
        place="environment.yml",
        read=read_environment,
        language="yaml",
        around={"requirements.in": "h5py\n"},
    ),
    _of("detect", "any", format_at, "text"),
    _of("lock-requirements", "requirements.txt", _lock, "text"),
    _of("lock-pylock", "pylock.toml", _lock, "toml"),
    _of("lock-environment", "environment.yml", _lock, "yaml"),
    _of("conda-explicit", "conda-linux-64.lock", _lock, "text"),
    _of("conda-lock", "conda-lock.yml", _lock, "yaml"),
    _of("conda-pixi", "pixi.lock", _lock, "yaml"),
    _of("conda-environment", "environment.yml", _lock, "yaml"),
    _of("examine-requirements", "requirements.txt", _examined, "text"),
    _of("examine-log", "error.log", _examined, "text"),
    _of("examine-listing", "list", _content, "text"),
    _of("examine-environment-yml", "environment.yml", _examined, "yaml"),
    _of("examine-project", "pyproject.toml", _examined, "toml"),
    _of("examine-uv", "uv.lock", _examined, "toml"),
    _of("examine-poetry", "poetry.lock", _examined, "toml"),
    _of("examine-conda-lock", "conda-lock.yml", _examined, "yaml"),
    _of("examine-code", "train.py", _examined, "text"),
    _of("examine-dockerfile", "Dockerfile", _examined, "text"),
    _of("examine-pipfile", "Pipfile", _examined, "toml"),
    _of("examine-pipfile-lock", "Pipfile.lock", _examined, "json"),
    _of("examine-pixi-toml", "pixi.toml", _examined, "toml"),
    _of("examine-script", "install.sh", _examined, "text"),
    _of("examine-setup-cfg", "setup.cfg", _examined, "text"),
    _of("examine-setup-py", "setup.py", _examined, "text"),
    _of("examine-tox", "tox.ini", _examined, "text"),
    _of("examine-notebook", "a.ipynb", _examined, "json"),
    _of("model-h5", "model.h5", _model, "bytes"),
    _of("model-keras", "model.keras", _model, "keras"),
    _of("rules", "rules.yaml", _rules, "yaml"),
    _of("evidence", "tensorflow-2.10.1-cp310-linux-x86_64.json", _evidence, "json"),
    _of("plan", "plan.yaml", lambda path: read_plan(path.name, read_text(path)), "yaml"),
    _of("config", "pyproject.toml", lambda path: load_config(path.parent, {}), "toml"),
    _of("pip-conf", "pip.conf", _settings, "text"),
    _of("freeze", "freeze.txt", lambda path: parse_freeze("freeze.txt", read_text(path)), "text"),
    _of("words", "words", _words, "text"),
    _of("options", "options", _options, "text"),
    *(
        Reader(name=name, place=place, read=_site, language=language, around=_ENVIRONMENT)
        for name, place, language in (
            ("site-metadata", f"{_INFO}/METADATA", "text"),
            ("site-record", f"{_INFO}/RECORD", "text"),
            ("site-installer", f"{_INFO}/INSTALLER", "text"),
            ("site-direct-url", f"{_INFO}/direct_url.json", "json"),
            ("site-egg-link", "lib/python3.11/site-packages/other.egg-link", "text"),
            ("site-pyvenv", "pyvenv.cfg", "text"),
            ("conda-meta-record", "conda-meta/demo-1.0-0.json", "json"),
            ("conda-meta-state", "conda-meta/state", "json"),
        )
    ),
    *(
        Reader(
            name=name,
            place=f"project/.venv/{place_}",
            read=_recovered,
            language=language,
            around=_STOPPED,
        )
        for name, place_, language in (
            ("journal", f"{_OWN}/journal.jsonl", "json"),
            ("marker", "envlock.json", "json"),
            ("lock-signature", ".envlock/lock", "json"),
            ("brought", f"{_OWN}/snapshot/.envlock/brought", "text"),
        )
    ),
    Reader(
        name="page-html",
        place="page.html",
        read=_html,
        language="text",
        allowed=(EnvlockError, Incomplete, NotAPage),
    ),
    Reader(
        name="page-json",
        place="page.json",
        read=_json,
        language="json",
        allowed=(EnvlockError, Incomplete, NotAPage),
    ),
)
BY_NAME = {each.name: each for each in READERS}
