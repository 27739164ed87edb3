"""A lock that is there: kept as it is, kept but for one package, or made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from envlock.choices import EngineName, Format
from envlock.cli.output import Lines
from envlock.errors import UsageError
from envlock.locking.job import Job
from envlock.locking.make import make_lock, write
from envlock.model import IndexSettings, Request
from envlock.progress import Progress, Silent
from envlock.request.words import parse_upgrades, parse_words
from support.engines import ENGINE_NAMES, use_own_caches
from support.simple_index import SimpleIndex, build_wheel


@dataclass(frozen=True)
class Project:
    """A folder with a lock of tensorflow and alpha, and an index that has moved on since."""

    index: SimpleIndex
    engine: EngineName

    def lock(self, *words: str, progress: Progress | None = None, **more: Any) -> dict[str, str]:
        """Lock the words and write; return the pins."""
        job = Job(
            request=Request(requirements=parse_words(words)),
            settings=IndexSettings(index_url=self.index.url),
            outputs={Path("requirements.txt"): Format.REQUIREMENTS},
            command=f"envlock lock {' '.join(words)}",
            name="project",
            engine=self.engine,
            **more,
        )
        locked = make_lock(job, progress or Silent())
        write(locked)
        return {package.name: str(package.version) for package in locked.lock.part.pypi}


@pytest.fixture(params=ENGINE_NAMES)
def project(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    use_own_caches(monkeypatch, tmp_path_factory)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "files"
    build_wheel(folder, "tensorflow", "2.20.0")
    build_wheel(folder, "alpha", "1.0")
    build_wheel(folder, "beta", "1.0")
    with SimpleIndex(folder, max_age=0) as index:
        project = Project(index, request.param)
        project.lock("tensorflow", "alpha")
        build_wheel(folder, "tensorflow", "2.21.0")
        build_wheel(folder, "alpha", "2.0")
        index.requests.clear()
        yield project


def test_a_lock_that_answers_the_request_is_taken_without_asking_anybody(project: Project) -> None:
    assert project.lock("tensorflow", "alpha") == {"tensorflow": "2.20.0", "alpha": "1.0"}
    assert not project.index.requests


def test_one_more_package_moves_nothing_else(project: Project) -> None:
    pins = project.lock("tensorflow", "alpha", "beta")
    assert pins == {"tensorflow": "2.20.0", "alpha": "1.0", "beta": "1.0"}


@pytest.mark.parametrize(
    ("package", "pins"),
    [
        ("alpha", {"tensorflow": "2.20.0", "alpha": "2.0"}),
        ("tensorflow", {"tensorflow": "2.21.0", "alpha": "1.0"}),
    ],
)
def test_the_package_that_is_to_be_upgraded_moves_alone(
    project: Project, package: str, pins: dict[str, str]
) -> None:
    chosen = parse_upgrades([package])
    assert project.lock("tensorflow", "alpha", upgrades=chosen) == pins


def test_a_package_is_upgraded_to_the_versions_that_are_named(project: Project) -> None:
    build_wheel(project.index.folder, "alpha", "3.0")
    pins = project.lock("tensorflow", "alpha", upgrades=parse_upgrades(["alpha==2.0"]))
    assert pins == {"tensorflow": "2.20.0", "alpha": "2.0"}
    assert project.lock("tensorflow", "alpha") == pins


def test_what_is_nowhere_is_not_upgraded(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        project.lock("tensorflow", "alpha", upgrades=parse_upgrades(["alpah"]))
    assert caught.value.message == "-P alpah: it is neither in the lock nor asked for"
    assert caught.value.remedies == ("-P alpha",)


def test_what_an_upgraded_package_needs_moves_with_it_and_nothing_else(project: Project) -> None:
    """The pins that are kept are preferences: as bounds they would hold what needs newer ones."""
    folder = project.index.folder
    build_wheel(folder, "web", "1.0", requires=("star<2", "beta"))
    build_wheel(folder, "star", "1.0")
    words = ("star", "tensorflow", "web")
    before = project.lock(*words)
    assert (before["web"], before["star"], before["beta"]) == ("1.0", "1.0", "1.0")
    build_wheel(folder, "web", "1.1", requires=("star<2", "beta"))
    build_wheel(folder, "web", "2.0", requires=("star>=2", "beta"))
    build_wheel(folder, "star", "2.0")
    build_wheel(folder, "beta", "2.0")
    pins = project.lock(*words, upgrades=parse_upgrades(["web"]))
    assert pins == {**before, "web": "2.0", "star": "2.0"}


def test_what_holds_an_upgraded_package_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project.index.folder
    build_wheel(folder, "web", "1.0", requires=("star<2",))
    build_wheel(folder, "star", "1.0")
    project.lock("tensorflow", "web", "alpha<2")
    for version in ("1.5", "2.0"):
        build_wheel(folder, "star", version)
    progress = Lines(verbose=False)
    pins = project.lock(
        "tensorflow",
        "web",
        "alpha<2",
        progress=progress,
        upgrades=parse_upgrades(["star", "alpha"]),
    )
    assert (pins["star"], pins["alpha"]) == ("1.5", "1.0")
    told = capsys.readouterr().err.splitlines()
    assert "star is 1.5, not 2.0: web 1.0 needs star<2" in told
    assert "alpha is 1.0, not 2.0: command line asks for alpha<2" in told


def test_an_upgrade_asks_for_everything_anew(project: Project) -> None:
    pins = project.lock("tensorflow", "alpha", upgrade=True)
    assert pins == {"tensorflow": "2.21.0", "alpha": "2.0"}
