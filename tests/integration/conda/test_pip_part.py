"""pip's part beside conda's packages: nothing from both sides, and who gives way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from envlock.choices import EngineName
from envlock.errors import NoResolution
from envlock.formats.conda_spec import parse_spec
from envlock.locking.conda import solve_platform
from envlock.locking.job import Job, SolvedPart, Work
from envlock.model import IndexSettings, Request, Requested
from envlock.progress import Silent
from envlock.rules import database
from support.conda_channel import PYTHON, CondaChannel
from support.simple_index import SimpleIndex, build_wheel

RULES = database.load()
MINOR = f"python >={PYTHON},<{PYTHON}.99"


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CondaChannel:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    made = CondaChannel(tmp_path / "channel")
    made.record("python", f"{PYTHON}.4", subdir="linux-64")
    made.record("python", f"{PYTHON}.4", subdir="osx-arm64")
    for version in ("1.24.0", "1.26.4", "2.1.0"):
        made.record("numpy", version, depends=[MINOR])
    made.record("hdf5", "1.14.3")
    made.record("h5py", "3.11.0", depends=[MINOR, "numpy", "hdf5 >=1.14,<1.15"])
    made.record("pytables", "3.9.0", depends=[MINOR, "numpy", "hdf5 >=1.14,<1.15"])
    made.write()
    return made


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SimpleIndex]:
    wheels = tmp_path / "wheels"
    build_wheel(wheels, "numpy", "2.1.0", requires=["never-there"])
    build_wheel(wheels, "numpy", "1.26.4")
    build_wheel(wheels, "plain", "1.0", requires=["numpy", "helper"])
    build_wheel(wheels, "helper", "2.0")
    build_wheel(wheels, "old-numpy", "1.0", requires=["numpy<2"])
    build_wheel(wheels, "newer-numpy", "1.0", requires=["numpy>=3"])
    build_wheel(wheels, "h5py", "3.12.0", requires=["numpy"])
    with SimpleIndex(wheels) as served:
        yield served


def locked(
    channel: CondaChannel,
    index: SimpleIndex,
    specs: list[str],
    pip: list[str],
    *,
    subdir: str = "linux-64",
    engine: EngineName = EngineName.UV,
) -> SolvedPart:
    request = Request(
        channels=(channel.url,),
        specs=tuple(parse_spec(each, origin=f"env.yml:{n}") for n, each in enumerate(specs, 5)),
        requirements=tuple(
            Requested(requirement=Requirement(each), origin=f"env.yml:{n}")
            for n, each in enumerate(pip, 20)
        ),
    )
    job = Job(
        request=request,
        settings=IndexSettings(index_url=index.url),
        outputs={},
        command="",
        name="",
        engine=engine,
    )
    return solve_platform(Work(job=job, database=RULES), subdir, Silent())


def conda(answer: SolvedPart) -> dict[str, str]:
    return {each.name: each.version for each in answer.part.conda if each.name != "python"}


def pip(answer: SolvedPart) -> dict[str, str]:
    return {each.name: str(each.version) for each in answer.part.pypi}


def test_what_conda_provides_is_not_locked_for_pip_again(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    answer = locked(channel, index, ["numpy"], ["plain"])
    assert conda(answer) == {"numpy": "2.1.0"}
    assert pip(answer) == {"helper": "2.0", "plain": "1.0"}
    assert (answer.part.python, answer.part.platform) == (PYTHON, "linux-x86_64")
    plain = answer.part.pypi[1]
    assert plain.via == ("env.yml",)
    assert len(plain.hashes) == 1
    assert answer.notes == ()


def test_pip_tools_sees_condas_packages_too(channel: CondaChannel, index: SimpleIndex) -> None:
    answer = locked(channel, index, ["numpy=1.26.4"], ["plain"], engine=EngineName.PIPTOOLS)
    assert pip(answer) == {"helper": "2.0", "plain": "1.0"}


def test_the_pip_part_alone_still_gets_its_python_from_conda(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    answer = locked(channel, index, [], ["helper"])
    assert [each.name for each in answer.part.conda] == ["python"]
    assert pip(answer) == {"helper": "2.0"}


def test_another_platform_is_locked_from_here(channel: CondaChannel, index: SimpleIndex) -> None:
    answer = locked(channel, index, ["numpy"], ["plain"], subdir="osx-arm64")
    assert answer.part.platform == "macos-arm64"
    assert pip(answer) == {"helper": "2.0", "plain": "1.0"}


def test_a_package_that_both_sides_name_is_condas_and_bound_by_both(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    answer = locked(channel, index, ["h5py"], ["numpy<2", "helper"])
    assert conda(answer)["numpy"] == "1.26.4"
    assert pip(answer) == {"helper": "2.0"}
    assert answer.notes == ("env.yml:20: numpy is left to conda, which brings numpy 1.26.4",)


def test_two_sides_that_want_different_versions_are_told_apart(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    with pytest.raises(NoResolution) as caught:
        locked(channel, index, ["numpy=1.24"], ["numpy==1.26.4"])
    assert caught.value.message == (
        "conda's side and pip's want different versions of one package\n"
        "  because env.yml:20 asks pip for numpy==1.26.4, and conda brings numpy 1.24.0"
        " for env.yml"
    )
    assert caught.value.remedies == ("in env.yml:20, change numpy==1.26.4 to numpy==1.24.0",)


def test_condas_package_is_held_back_where_pips_part_needs_it_older(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    answer = locked(channel, index, ["h5py"], ["old-numpy"])
    assert conda(answer)["numpy"] == "1.26.4"
    assert pip(answer) == {"old-numpy": "1.0"}
    assert answer.notes == ("held back on conda's side for pip's part: numpy 1.26.4",)


def test_a_need_that_conda_cannot_meet_is_told(channel: CondaChannel, index: SimpleIndex) -> None:
    with pytest.raises(NoResolution) as caught:
        locked(channel, index, ["numpy=1.26"], ["newer-numpy"])
    assert caught.value.message == (
        f"no versions satisfy newer-numpy on Python {PYTHON} (linux-x86_64)\n"
        "  because all versions of newer-numpy depend on numpy>=3 and numpy==1.26.4;"
        " you require newer-numpy\n"
        "  because conda brings numpy 1.26.4"
    )


def test_one_library_from_both_sides_is_told_with_the_side_to_take(
    channel: CondaChannel, index: SimpleIndex
) -> None:
    answer = locked(channel, index, ["pytables"], ["h5py"])
    assert answer.notes == (
        (
            "h5py 3.12.0 from pip carries HDF5 beside conda's hdf5 1.14.3 (for pytables): a process"
            " that loads two copies of HDF5 stops, or writes damaged files, when their versions"
            " differ; take conda's side: move h5py from pip's list to conda's"
        ),
    )
