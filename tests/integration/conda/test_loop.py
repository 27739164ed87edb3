"""Real records of conda-forge under the shipped rules: pins, reasons, and why there are none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from envlock.choices import Accelerator
from envlock.conda.channels import addresses
from envlock.errors import NoResolution
from envlock.formats.conda_spec import parse_spec
from envlock.model import RuleId
from envlock.progress import Silent
from envlock.resolve.conda.explain import CondaAsked
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.rules import database
from envlock.targets.subdirs import virtual_packages
from support.conda_channel import CondaChannel
from support.conda_forge import conda_forge

RULES = database.load()
ASKED = CondaAsked(database=RULES, command="envlock lock --manager conda")


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> str:
    return conda_forge(tmp_path_factory.mktemp("conda-forge"))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path))


def asked(
    channel: str, subdir: str, *specs: str, accelerator: Accelerator = Accelerator.AUTO
) -> CondaQuestion:
    return CondaQuestion(
        specs=tuple(
            parse_spec(each, origin=f"environment.yml:{line}") for line, each in enumerate(specs, 5)
        ),
        channels=addresses([channel], {}),
        subdir=subdir,
        virtual=virtual_packages(subdir, (), {}, accelerator),
        rules=RULES.rules,
    )


def resolved(question: CondaQuestion) -> CondaAnswer:
    return resolve_packages(question, ASKED, Silent())


def pins(answer: CondaAnswer, *names: str) -> dict[str, str]:
    return {each.name: each.version for each in answer.packages if each.name in names}


@pytest.mark.parametrize("subdir", ["linux-64", "osx-arm64"])
def test_tensorflow_is_locked_with_the_reasons_of_its_neighbours(channel: str, subdir: str) -> None:
    answer = resolved(asked(channel, subdir, "python=3.11", "tensorflow=2.15", "h5py", "pip"))
    assert pins(answer, "python", "tensorflow", "keras", "h5py", "numpy", "protobuf") == {
        "h5py": "3.12.1",
        "keras": "2.15.0",
        "numpy": "1.26.4",
        "protobuf": "4.24.4",
        "python": "3.11.15",
        "tensorflow": "2.15.0",
    }
    moved = {each.name: each.because for each in answer.packages if each.because}
    assert moved["numpy"] == ("numpy2-tf-abi",)
    assert moved["setuptools"] == ("setuptools-no-pkg-resources",)
    assert answer.reasons[RuleId("numpy2-tf-abi")].startswith(
        "The extension modules of every TensorFlow"
    )
    (h5py,) = (each for each in answer.packages if each.name == "h5py")
    assert h5py.via == ("environment.yml", "tensorflow-base")
    assert h5py.subdir == subdir


def test_the_same_question_has_the_same_answer(channel: str) -> None:
    question = asked(channel, "linux-64", "python=3.11", "tensorflow=2.15", "h5py", "pip")
    assert resolved(question) == resolved(question)


def test_platforms_without_a_tensorflow_are_locked_for_the_rest(channel: str) -> None:
    answer = resolved(asked(channel, "linux-aarch64", "h5py", "numpy"))
    assert pins(answer, "h5py") == {"h5py": "3.15.1"}
    assert {each.subdir for each in answer.packages} == {"linux-aarch64", "noarch"}
    windows = resolved(asked(channel, "win-64", "python=3.11", "numpy"))
    assert "vc14_runtime" in {each.name for each in windows.packages}


def test_a_gpu_build_is_taken_where_there_is_a_driver(channel: str) -> None:
    cpu = resolved(asked(channel, "linux-64", "tensorflow", "h5py"))
    gpu = resolved(asked(channel, "linux-64", "tensorflow", "h5py", accelerator=Accelerator.CUDA))
    assert pins(cpu, "tensorflow") == {"tensorflow": "2.15.0"}
    assert pins(gpu, "tensorflow") == {"tensorflow": "2.19.1"}


def test_what_is_not_there_is_said(channel: str) -> None:
    with pytest.raises(NoResolution) as caught:
        resolved(asked(channel, "win-64", "tensorflow", "h5py"))
    assert caught.value.message == (
        "no conda packages satisfy tensorflow on win-64\n"
        "  because no channel has tensorflow for this platform (environment.yml:5)"
    )


def test_a_conflict_is_told_with_a_change_that_was_solved(channel: str) -> None:
    with pytest.raises(NoResolution) as caught:
        resolved(asked(channel, "osx-arm64", "tensorflow=2.15", "numpy>=2"))
    assert caught.value.message == (
        "no conda packages satisfy tensorflow=2.15, numpy >=2 on osx-arm64\n"
        "  because tensorflow 2.15.0 needs tensorflow-base 2.15.0, which needs numpy"
        " >=1.22,<2.0a0; numpy >=2 was asked for (environment.yml:6)"
    )
    assert caught.value.remedies == ("in environment.yml:6, change numpy >=2 to numpy=1.26.4",)


def test_a_missing_driver_is_told_with_the_option_that_assumes_one(channel: str) -> None:
    with pytest.raises(NoResolution) as caught:
        resolved(asked(channel, "linux-64", "tensorflow=2.17", "h5py"))
    assert "needs __cuda: the NVIDIA driver that the lock is for" in caught.value.message
    assert caught.value.remedies[0] == "--accelerator cuda"


def test_the_builds_of_another_machine_give_way(channel: str) -> None:
    answer = resolved(asked(channel, "osx-arm64", "python=3.11.15=h0_linux", "numpy=1.26.4=py_1"))
    assert pins(answer, "numpy") == {"numpy": "1.26.4"}
    assert answer.notes == (
        (
            "the builds that the request names are not there for osx-arm64, as in an export of"
            " another machine: only the versions are kept"
        ),
    )


def unbounded(tmp_path: Path) -> str:
    """A channel whose TensorFlow declares nothing of what it cannot be with."""
    made = CondaChannel(tmp_path / "channel")
    made.record("python", "3.10.4", subdir="linux-64", timestamp=1_700_000_000_000)
    made.record("tensorflow", "2.10.0", depends=["python >=3.10,<3.11.0a0", "numpy"])
    made.record("tensorflow", "2.9.1", depends=["python >=3.10,<3.11.0a0", "numpy"])
    for version in ("1.22.4", "1.23.5", "1.26.4", "2.0.1"):
        made.record("numpy", version, depends=["python >=3.10,<3.11.0a0"])
    made.write()
    return made.url


def test_a_rule_holds_where_the_channel_declares_nothing(tmp_path: Path) -> None:
    answer = resolved(asked(unbounded(tmp_path), "linux-64", "tensorflow"))
    assert pins(answer, "tensorflow", "numpy") == {"tensorflow": "2.10.0", "numpy": "1.23.5"}


def test_a_rule_against_the_request_is_told_with_a_change_that_obeys_it(tmp_path: Path) -> None:
    with pytest.raises(NoResolution) as caught:
        resolved(asked(unbounded(tmp_path), "linux-64", "tensorflow", "numpy=2"))
    assert caught.value.message.startswith(
        "no conda packages satisfy tensorflow, numpy=2 on linux-64\n"
        "  because tensorflow==2.10.0 cannot be with numpy==2.* (environment.yml:6): The extension"
    )
    assert caught.value.message.endswith("(rule numpy2-tf-abi)")
    assert caught.value.remedies == ("in environment.yml:6, change numpy=2 to numpy=1.23.5",)


def test_packages_without_a_date_are_told_where_a_date_was_asked_for(tmp_path: Path) -> None:
    question = asked(unbounded(tmp_path), "linux-64", "tensorflow")
    answer = resolved(replace(question, exclude_newer=datetime(2024, 1, 31, tzinfo=UTC)))
    assert answer.notes[0] == (
        "2 of 3 packages have no date in their channel: they may be newer than 2024-01-31"
    )
