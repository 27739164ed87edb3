"""Which channel a package comes from: the order, a name in the spec, the variables of conda."""

from pathlib import Path

import pytest

from envlock.formats.conda_spec import parse_spec
from envlock.locking.conda import solve_platform
from envlock.locking.job import Job, Work
from envlock.model import IndexSettings, Request
from envlock.progress import Silent
from envlock.rules import database
from support.conda_channel import CondaChannel

RULES = database.load()


@pytest.fixture(autouse=True)
def _channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two channels that are found by their names, as on a mirror."""
    for name, version in (("first", "1.0"), ("second", "2.0")):
        channel = CondaChannel(tmp_path / name)
        channel.record("low", version)
        channel.record(f"only-{name}", "1.0", depends=["low"])
        channel.write()
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", tmp_path.as_uri())


def locked(*specs: str, channels: tuple[str, ...] = ("first", "second")) -> dict[str, str]:
    job = Job(
        request=Request(channels=channels, specs=tuple(map(parse_spec, specs))),
        settings=IndexSettings(),
        outputs={},
        command="",
        name="",
    )
    answer = solve_platform(Work(job=job, database=RULES), "linux-64", Silent())
    return {each.name: f"{each.version} of {each.channel}" for each in answer.part.conda}


def test_the_first_channel_that_has_a_package_gives_it(tmp_path: Path) -> None:
    first, second = f"{tmp_path.as_uri()}/first/", f"{tmp_path.as_uri()}/second/"
    assert locked("only-second") == {
        "low": f"1.0 of {first}",
        "only-second": f"1.0 of {second}",
    }


def test_a_channel_named_in_a_spec_is_kept_to(tmp_path: Path) -> None:
    assert locked("second::low") == {"low": f"2.0 of {tmp_path.as_uri()}/second/"}


def test_a_channel_that_only_a_spec_names_is_read_too(tmp_path: Path) -> None:
    found = locked("second::low", "only-first", channels=("first",))
    assert found["low"] == f"2.0 of {tmp_path.as_uri()}/second/"


def test_priority_is_turned_off_as_with_conda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_CHANNEL_PRIORITY", "disabled")
    assert locked("low") == {"low": f"2.0 of {tmp_path.as_uri()}/second/"}
