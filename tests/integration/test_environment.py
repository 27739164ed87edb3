"""Real environments: made by uv or pip, filled, and kept equal to a lock."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.environment import create
from envlock.environment.create import change, create_venv, install, sync
from envlock.environment.inspect import installed, prefix_of
from envlock.environment.place import made_by_envlock
from envlock.errors import ExitCode, IndexFailure, InstallFailure, WorkError
from envlock.index.handover import uv_environment
from envlock.model import IndexSettings
from envlock.progress import Silent
from envlock.system import run
from envlock.targets.description import Interpreter
from envlock.targets.interpreters import available, find_interpreter
from support.places import fresh_environment
from support.simple_index import SimpleIndex, build_sdist, build_wheel

QUIET = Silent()
PYTHONS = {f"{each.version.major}.{each.version.minor}": each for each in available()}


class Details(Silent):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def detail(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture(autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("UV_CACHE_DIR", str(cache / "uv"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(cache / "pip"))
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(cache / "envlock"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Give a folder with demo 1.0 and 2.0, which need other, and other 1.0 and extra 1.0."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        build_wheel(folder, "demo", version, requires=["other"])
    build_wheel(folder, "other", "1.0")
    build_wheel(folder, "extra", "1.0")
    return folder


@pytest.fixture
def index(wheels: Path) -> Iterator[SimpleIndex]:
    with SimpleIndex(wheels) as served:
        yield served


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return create_venv(find_interpreter(None), tmp_path / "env", QUIET)


def lock(wheels: Path, *names: str) -> str:
    """Write the lock of some files of a folder, as ``name-version``."""
    lines = []
    for name in names:
        file = next(wheels.glob(f"{name}[-.]*"))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        lines.append(f"{name.replace('-', '==')} \\\n    --hash=sha256:{digest}\n")
    return "".join(lines)


def versions(python: Path) -> dict[str, str]:
    return {name: str(version) for name, version in installed(prefix_of(python)).items()}


def at(index: SimpleIndex) -> IndexSettings:
    return IndexSettings(index_url=index.url, timeout=5)


@pytest.mark.parametrize("interpreter", PYTHONS.values(), ids=PYTHONS.keys())
def test_every_python_here_gets_an_environment_that_installs(
    tmp_path: Path, wheels: Path, index: SimpleIndex, interpreter: Interpreter
) -> None:
    python = create_venv(interpreter, tmp_path / "env", QUIET)
    sync(python, lock(wheels, "demo-2.0", "other-1.0"), at(index), QUIET)
    done = run([python, "-I", "-c", "import sys, demo; print(sys.version_info[:2], sys.prefix)"])
    assert done.stdout.strip() == f"{interpreter.version.release[:2]} {tmp_path / 'env'}"


def test_an_environment_is_made_in_a_folder_that_holds_a_mark_already(tmp_path: Path) -> None:
    with fresh_environment(tmp_path / ".venv", QUIET) as place:
        python = place.venv(find_interpreter(None))
    assert made_by_envlock(tmp_path / ".venv")
    assert run([python, "-c", "pass"]).returncode == 0


def test_install_brings_what_a_package_needs(python: Path, index: SimpleIndex) -> None:
    install(python, ["demo<2"], at(index), QUIET)
    assert versions(python) == {"demo": "1.0", "other": "1.0"}


def test_sync_makes_an_environment_equal_to_its_lock(
    python: Path, wheels: Path, index: SimpleIndex
) -> None:
    install(python, ["demo==1.0", "extra"], at(index), QUIET)
    sync(python, lock(wheels, "demo-2.0", "other-1.0"), at(index), QUIET)
    assert versions(python) == {"demo": "2.0", "other": "1.0"}


def test_sync_with_an_empty_lock_empties_the_environment(python: Path, index: SimpleIndex) -> None:
    install(python, ["demo"], at(index), QUIET)
    sync(python, "# nothing\n", at(index), QUIET)
    assert versions(python) == {}


def test_progress_hears_what_is_installed(python: Path, wheels: Path, index: SimpleIndex) -> None:
    details = Details()
    sync(python, lock(wheels, "other-1.0"), at(index), details)
    assert " + other==1.0" in details.told


def test_find_links_alone_are_enough(python: Path, wheels: Path) -> None:
    settings = IndexSettings(no_index=True, find_links=(str(wheels),))
    sync(python, lock(wheels, "demo-2.0", "other-1.0"), settings, QUIET)
    assert versions(python) == {"demo": "2.0", "other": "1.0"}


def test_no_index_means_that_none_is_asked(python: Path, tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "links").mkdir()
    settings = IndexSettings(no_index=True, find_links=(str(tmp_path / "links"),))
    with pytest.raises(InstallFailure) as caught:
        sync(python, lock(wheels, "other-1.0"), settings, QUIET)
    assert "other was not found in the provided package locations" in caught.value.message


def test_a_release_comes_from_the_first_index_that_has_its_name(
    python: Path, tmp_path: Path, wheels: Path
) -> None:
    build_wheel(tmp_path / "more", "demo", "3.0")
    with SimpleIndex(wheels) as first, SimpleIndex(tmp_path / "more") as second:
        settings = IndexSettings(index_url=first.url, extra_index_urls=(second.url,), timeout=5)
        install(python, ["demo"], settings, QUIET)
    assert versions(python) == {"demo": "3.0"}


def test_what_is_held_to_an_index_is_installed_from_it_though_another_has_the_same_version(
    python: Path, tmp_path: Path, wheels: Path
) -> None:
    own = tmp_path / "own"
    build_wheel(own, "other", "1.0", files={"other.py": "import this"})
    with SimpleIndex(wheels) as first, SimpleIndex(own) as second:
        settings = IndexSettings(index_url=first.url, sources=(("oth*", second.url),), timeout=5)
        sync(python, lock(own, "other-1.0"), settings, QUIET)
        assert versions(python) == {"other": "1.0"}
        change(python, {canonicalize_name("demo"): Version("2.0")}, settings, QUIET)
        change(python, {canonicalize_name("other"): Version("1.0")}, settings, QUIET)
    assert versions(python) == {"other": "1.0"}
    assert "other-1.0-py3-none-any.whl" not in first.downloads


def test_an_index_that_asks_for_a_password_gets_it(python: Path, wheels: Path) -> None:
    with SimpleIndex(wheels, auth=("me", "sesame")) as index:
        settings = IndexSettings(index_url=index.url_with("me:sesame"), timeout=5)
        sync(python, lock(wheels, "other-1.0"), settings, QUIET)
    assert versions(python) == {"other": "1.0"}


def test_a_file_that_is_not_the_locked_one_is_refused(
    python: Path, wheels: Path, index: SimpleIndex
) -> None:
    text = lock(wheels, "other-1.0")
    build_wheel(wheels, "other", "1.0", files={"other.py": "import this"})
    locked = text.partition("sha256:")[2].strip()
    found = lock(wheels, "other-1.0").partition("sha256:")[2].strip()
    with pytest.raises(InstallFailure) as caught:
        sync(python, text, at(index), QUIET)
    assert caught.value.message == (
        "other==1.0: the file that the index gave is not the one that was locked\n"
        f"  locked sha256:{locked}\n"
        f"  got    sha256:{found}"
    )
    assert versions(python) == {}


def test_a_version_that_is_nowhere_is_told(python: Path, index: SimpleIndex) -> None:
    with pytest.raises(InstallFailure) as caught:
        sync(python, f"demo==9.0 --hash=sha256:{'0' * 64}\n", at(index), QUIET)
    first, _, rest = caught.value.message.partition("\n")
    assert first == f"the packages could not be installed in {prefix_of(python)}"
    assert "demo==9.0" in rest


def test_a_build_that_fails_shows_its_last_words(
    python: Path, wheels: Path, index: SimpleIndex
) -> None:
    build_sdist(wheels, "h5", "1.0", backend='raise SystemExit("no libhdf5.so here")\n')
    with pytest.raises(
        WorkError, match=r"h5 1\.0 has no wheel .* cannot be built .*: no libhdf5\.so here$"
    ) as caught:
        sync(python, lock(wheels, "h5-1.0"), at(index), QUIET)
    assert caught.value.exit_code == ExitCode.NO_RESOLUTION


def test_a_source_archive_is_built(python: Path, wheels: Path, index: SimpleIndex) -> None:
    build_sdist(wheels, "h5", "1.0")
    sync(python, lock(wheels, "h5-1.0"), at(index), QUIET)
    assert versions(python) == {"h5": "1.0"}


def test_an_index_that_cuts_off_is_told(
    python: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(settings: IndexSettings) -> dict[str, str]:
        return {**uv_environment(settings), "UV_HTTP_RETRIES": "0"}

    monkeypatch.setattr(create, "uv_environment", impatient)
    with (
        SimpleIndex(wheels, cut_off=True, where="/files/other-1.0-py3-none-any.whl") as index,
        pytest.raises(IndexFailure) as caught,
    ):
        sync(python, lock(wheels, "other-1.0"), at(index), QUIET)
    assert caught.value.message.startswith(
        f"the packages for {prefix_of(python)} could not be fetched\n"
    )
    assert versions(python) == {}


def test_an_index_that_refuses_a_password_is_told_without_it(python: Path, wheels: Path) -> None:
    with SimpleIndex(wheels, auth=("me", "sesame")) as index:
        settings = IndexSettings(index_url=index.url_with("me:wrong-one"), timeout=5)
        with pytest.raises(IndexFailure) as caught:
            sync(python, lock(wheels, "other-1.0"), settings, QUIET)
    assert "401 Unauthorized" in caught.value.message
    assert "wrong-one" not in caught.value.message


@pytest.fixture
def refused_by_uv(tmp_path: Path) -> Path:
    """Give a Python that refuses the question uv asks it first, as one too old for uv does."""
    if os.name == "nt":
        pytest.skip("a shell script stands for the Python")
    return refuse(tmp_path / "python", find_interpreter(None).path)


def refuse(path: Path, real: Path) -> Path:
    path.write_text(
        '#!/bin/sh\ncase "$*" in *get_interpreter_info*) echo too old >&2; exit 1;; esac\n'
        f'exec "{real}" "$@"\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_pip_does_the_work_where_uv_does_not_take_the_python(
    tmp_path: Path, wheels: Path, index: SimpleIndex, refused_by_uv: Path
) -> None:
    interpreter = Interpreter(
        path=refused_by_uv,
        version=Version(sys.version.split()[0]),
        platform=find_interpreter(None).platform,
        markers={},
    )
    python = create_venv(interpreter, tmp_path / "env", QUIET)
    refuse(python.with_name("python-refused"), python)
    refused = python.with_name("python-refused")

    install(refused, ["demo==1.0", "extra"], at(index), QUIET)
    assert versions(refused).items() >= {"demo": "1.0", "other": "1.0", "extra": "1.0"}.items()

    sync(refused, lock(wheels, "demo-2.0", "other-1.0"), at(index), QUIET)
    assert versions(refused).keys() == {"demo", "other", "pip"}
    assert versions(refused)["demo"] == "2.0"

    with pytest.raises(InstallFailure) as caught:
        sync(refused, f"extra==1.0 --hash=sha256:{'0' * 64}\n", at(index), QUIET)
    assert caught.value.message.startswith(
        "extra==1.0: the file that the index gave is not the one that was locked\n"
        f"  locked sha256:{'0' * 64}\n"
    )


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallFailure) as caught:
        create_venv(find_interpreter(None), tmp_path / "file" / "env", QUIET)
    assert caught.value.message.startswith(
        f"cannot make a virtual environment in {tmp_path / 'file' / 'env'} "
        f"with {find_interpreter(None).path}\n"
    )
