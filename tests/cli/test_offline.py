"""Without a network: what the caches have is enough, and what they lack is told at once."""

import sys

import pytest

from envlock.targets.interpreters import available
from support.program import Program
from support.simple_index import SimpleIndex
from support.unrouted import unrouted


def test_sync_and_create_work_from_a_warm_cache(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    done = unrouted(envlock, "sync", "--env", "second", "--offline")
    assert (done.code, done.err) == (0, "")
    made = unrouted(envlock, "create", "tensorflow", "--env", "third", "--offline")
    assert (made.code, made.err) == (0, "")
    assert unrouted(envlock, "create", "h5py", "tensorflow", "-U", "--offline").code == 0
    assert unrouted(envlock, "verify").code == 0
    assert unrouted(envlock, "diagnose").code == 0
    assert unrouted(envlock, "fix", "--offline").code == 0


@pytest.mark.parametrize(
    "said",
    [{"UV_OFFLINE": "1"}, {"ENVLOCK_OFFLINE": "true"}, {"PIP_NO_INDEX": "1"}],
    ids=["uv's", "envlock's", "pip's"],
)
def test_a_variable_says_so_too(envlock: Program, said: dict[str, str]) -> None:
    assert envlock("create", "tensorflow").code == 0
    assert unrouted(envlock.with_env(**said), "sync", "--env", "second").code == 0


def test_a_page_that_is_not_in_the_cache_is_named_at_once(
    envlock: Program, index: SimpleIndex
) -> None:
    done = unrouted(envlock, "lock", "h5py", "--offline", "--fresh")
    assert done.code == 4
    assert done.err.startswith(
        f"error: offline, and the cache has not the page of h5py ({index.url}"
    )


def test_a_wheel_that_is_not_in_the_cache_is_named_at_once(envlock: Program) -> None:
    assert envlock("lock", "h5py").code == 0
    done = unrouted(envlock, "sync", "--offline")
    assert done.code == 4
    assert done.err.startswith("error: offline, and the cache has not h5py")
    assert not (envlock.here / ".venv").exists()


def test_without_a_network_the_first_failure_says_how_to_go_on(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    done = unrouted(envlock, "sync", "--env", "second")
    assert done.code == 4
    assert "  try: envlock sync --env second --offline\n" in done.err
    done = unrouted(envlock, "lock", "h5py", "-U", "--refresh", "-o", "h5py.txt")
    assert done.code == 4
    assert "there is no network here" in done.err
    assert "tries" not in done.err


def test_the_configuration_may_say_so(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    (envlock.here / "pyproject.toml").write_text("[tool.envlock]\noffline = true\n")
    assert unrouted(envlock, "sync", "--env", "second").code == 0


def test_offline_and_what_leaves_the_caches_aside_contradict(envlock: Program) -> None:
    for word in ("--refresh", "--no-cache"):
        done = envlock("lock", "h5py", "--offline", word)
        assert done.code == 2
        assert done.err.startswith(f"error: {word} leaves aside what was kept")


def test_no_index_needs_none_for_pip_tools(program: Program, index: SimpleIndex) -> None:
    others = {f"{each.version.major}.{each.version.minor}" for each in available()}
    others -= {f"{sys.version_info.major}.{sys.version_info.minor}"}
    if not others:
        pytest.skip("there is one Python here")
    words = ("h5py", "--fresh", "--python", max(others), "--no-index", "-f", str(index.folder))
    done = unrouted(program, "lock", *words)
    assert (done.code, done.err) == (
        0,
        "uv resolves: pip-tools is not here, and no index is to be asked for it\n",
    )
