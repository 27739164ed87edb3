"""py-rattler as a child process: real channels, real installs, no secrets told."""

import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from envlock.conda import rattler
from envlock.conda.channels import Address, addresses
from envlock.conda.rattler import SolveJob, Unsolvable
from envlock.errors import IndexFailure, InstallFailure, UsageError, WorkError
from envlock.model import CondaPackage
from envlock.progress import Silent
from support.conda_channel import CondaChannel
from support.pace import wait_until


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CondaChannel:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    made = CondaChannel(tmp_path / "channel")
    made.add("low", "1.0", timestamp=1_600_000_000_000)
    made.add("low", "2.0", timestamp=1_700_000_000_000)
    made.add("high", "1.0", depends=["low"], files={"share/high.txt": "high\n"})
    made.write()
    return made


def at(*places: CondaChannel | str) -> tuple[Address, ...]:
    return addresses([each if isinstance(each, str) else each.url for each in places], {})


def solved(channels: tuple[Address, ...], *specs: str, **more: Any) -> tuple[CondaPackage, ...]:
    job = SolveJob(channels=channels, subdir="linux-64", specs=specs, **more)
    answer = rattler.solve(job, Silent())
    assert not isinstance(answer, Unsolvable), answer.text
    return answer


def pins(packages: tuple[CondaPackage, ...]) -> dict[str, str]:
    return {each.name: each.version for each in packages}


def test_the_newest_that_fits_is_taken(channel: CondaChannel) -> None:
    assert pins(solved(at(channel), "high")) == {"high": "1.0", "low": "2.0"}


def test_a_record_is_told_in_full(channel: CondaChannel) -> None:
    (low,) = solved(at(channel), "low")
    told = channel.records["noarch"]["low-2.0-0.conda"]
    assert low == CondaPackage(
        name="low",
        version="2.0",
        build="0",
        build_number=0,
        subdir="noarch",
        channel=f"{channel.url}/",
        url=f"{channel.url}/noarch/low-2.0-0.conda",
        md5=told["md5"],
        sha256=told["sha256"],
        size=told["size"],
        timestamp=1_700_000_000_000,
        noarch="generic",
    )


def test_constraints_bound_and_do_not_ask(channel: CondaChannel) -> None:
    assert pins(solved(at(channel), "high", constraints=("low <2", "other"))) == {
        "high": "1.0",
        "low": "1.0",
    }


def test_a_preferred_package_stays_while_it_fits(channel: CondaChannel) -> None:
    (old,) = solved(at(channel), "low=1.0")
    assert pins(solved(at(channel), "high", preferred=(old,))) == {"high": "1.0", "low": "1.0"}
    assert pins(solved(at(channel), "high", "low>1", preferred=(old,)))["low"] == "2.0"


def test_a_preferred_package_that_the_channels_have_not_is_not_kept(
    channel: CondaChannel, tmp_path: Path
) -> None:
    other = CondaChannel(tmp_path / "other")
    other.add("low", "1.5")
    other.write()
    (gone,) = solved(at(other), "low")
    changed = replace(solved(at(channel), "low=1.0")[0], sha256="0" * 64)
    for preferred in (gone, changed):
        assert pins(solved(at(channel), "low", preferred=(preferred,))) == {"low": "2.0"}


def test_a_date_leaves_out_what_is_newer_and_keeps_what_has_none(channel: CondaChannel) -> None:
    newest = datetime(2022, 1, 1, tzinfo=UTC)
    assert pins(solved(at(channel), "high", exclude_newer=newest)) == {"high": "1.0", "low": "1.0"}


def test_the_first_channel_that_has_a_package_gives_it(
    channel: CondaChannel, tmp_path: Path
) -> None:
    other = CondaChannel(tmp_path / "other")
    other.add("low", "1.5")
    other.write()
    assert pins(solved(at(other, channel), "high"))["low"] == "1.5"
    assert pins(solved(at(channel, other), "high"))["low"] == "2.0"
    assert pins(solved(at(other, channel), "high", strict=False))["low"] == "2.0"


def test_virtual_packages_count(channel: CondaChannel) -> None:
    channel.record("gpu", "1.0", depends=["__cuda >=12"])
    channel.write()
    assert pins(solved(at(channel), "gpu", virtual=(("__cuda", "12.4", "0"),))) == {"gpu": "1.0"}
    job = SolveJob(channels=at(channel), subdir="linux-64", specs=("gpu",))
    assert rattler.solve(job, Silent()) == Unsolvable(
        text="Cannot solve the request because of: gpu * cannot be installed because there are no"
        " viable options:\n└─ gpu 1.0 would require\n   └─ __cuda >=12, for which no candidates"
        " were found.\n"
    )


def test_this_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rattler.detect.cache_clear()
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.2")
    _, virtual = rattler.detect()
    rattler.detect.cache_clear()
    assert ("__cuda", "11.2", "0") in virtual


def test_versions_are_listed(channel: CondaChannel) -> None:
    found = rattler.versions(at(channel), "linux-64", ["low", "nosuch"], Silent())
    assert {name: sorted(known) for name, known in found.items()} == {
        "low": ["1.0", "2.0"],
        "nosuch": [],
    }


def test_packages_are_installed_and_recorded(channel: CondaChannel, tmp_path: Path) -> None:
    packages = solved(at(channel), "high")
    prefix = tmp_path / "prefix"
    rattler.install(packages, at(channel), prefix, "linux-64", ("high",), Silent())
    assert (prefix / "share/high.txt").read_text() == "high\n"
    record = json.loads((prefix / "conda-meta/low-2.0-0.json").read_text())
    assert record["timestamp"] == 1_700_000_000_000
    record = json.loads((prefix / "conda-meta/high-1.0-0.json").read_text())
    assert record["requested_specs"] == ["high"]


@pytest.mark.parametrize("remote", [False, True])
def test_a_package_that_is_not_the_locked_one_is_refused(
    channel: CondaChannel, tmp_path: Path, *, remote: bool
) -> None:
    with served(tmp_path) as host:
        place = at(f"http://{host}/channel" if remote else channel)
        (low,) = solved(place, "low")
        wrong = replace(low, sha256="0" * 64)
        with pytest.raises(InstallFailure) as caught:
            rattler.install([wrong], place, tmp_path / "prefix", "linux-64", (), Silent())
    assert caught.value.message == (
        "low-2.0-0.conda: the file that the channel gave is not the one that was locked\n"
        f"  locked {'0' * 64}\n  got    {low.sha256}"
    )
    assert caught.value.remedies == ("--upgrade",)


def test_a_package_that_is_gone_is_told(channel: CondaChannel, tmp_path: Path) -> None:
    (low,) = solved(at(channel), "low")
    (channel.folder / "noarch" / low.filename).unlink()
    prefix = tmp_path / "prefix"
    with pytest.raises(IndexFailure) as caught:
        rattler.install([low], at(channel), prefix, "linux-64", (), Silent())
    assert caught.value.message == (
        f"the packages for {prefix} could not be fetched: {low.url}: No such file or directory"
    )


def test_a_malformed_specification_is_a_matter_of_usage(channel: CondaChannel) -> None:
    with pytest.raises(UsageError, match=r"^conda cannot read the request: .*==>3"):
        rattler.solve(
            SolveJob(channels=at(channel), subdir="linux-64", specs=("low==>3",)), Silent()
        )


def test_a_channel_that_is_not_there_is_told(tmp_path: Path) -> None:
    job = SolveJob(channels=at(str(tmp_path / "none")), subdir="linux-64", specs=("a",))
    with pytest.raises(IndexFailure, match=r"^a conda channel could not be read: "):
        rattler.solve(job, Silent())


@contextmanager
def served(folder: Path, user: str = "", token: str = "") -> Iterator[str]:
    """A channel over HTTP, behind a password or a token."""
    wanted = f"Basic {b64encode(user.encode()).decode()}"

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if user and self.headers.get("Authorization") != wanted:
                self.send_error(401)
            elif not self.path.startswith(f"/{token}"):
                self.send_error(403)
            else:
                self.path = self.path.removeprefix(f"/{token}")
                super().do_GET()

        do_HEAD = do_GET  # noqa: N815  (the base says the names)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("user", "token", "url"),
    [
        ("me:s3cret", "", "http://me:s3cret@{host}/channel"),
        ("", "t/s3cret/", "http://{host}/t/s3cret/channel"),
    ],
)
def test_a_channel_behind_a_password_or_token_is_read_and_the_secret_is_not_kept(
    tmp_path: Path, user: str, token: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    with served(tmp_path, user, token) as host:
        place = at(url.format(host=host))
        packages = solved(place, "high")
        assert {each.channel for each in packages} == {f"http://{host}/channel/"}
        assert packages[0].url == f"http://{host}/channel/noarch/high-1.0-0.conda"
        (old,) = solved(place, "low=1.0")
        assert pins(solved(place, "high", preferred=(old,)))["low"] == "1.0"
        rattler.install(packages, place, tmp_path / "prefix", "linux-64", (), Silent())
        assert (tmp_path / "prefix/share/high.txt").exists()
        kept = [*(tmp_path / "cache").rglob("*"), *(tmp_path / "prefix").rglob("*")]
        files = [each for each in kept if each.is_file()]
        assert [str(e)[-80:] for e in files if b"s3cret" in e.read_bytes()] == []
        assert [each for each in kept if "s3cret" in each.name] == []
        with pytest.raises(IndexFailure) as caught:
            solved(at(f"http://you:wr0ng@{host}/t/wr0ng/channel"), "high")
        assert "wr0ng" not in caught.value.message


def test_without_the_extra_it_is_said_what_to_install(
    channel: CondaChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.conda.rattler.find_spec", lambda _: None)
    with pytest.raises(WorkError) as caught:
        solved(at(channel), "low")
    assert caught.value.message == (
        "conda packages are solved and installed by py-rattler, which is not here"
    )
    assert caught.value.remedies == (f"{sys.executable} -m pip install 'py-rattler==0.28.*'",)


def test_envlock_itself_never_imports_it() -> None:
    code = "import sys, envlock.conda.rattler as r; r.detect(); sys.exit('rattler' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_py_rattler_than_the_known_one_is_told(
    channel: CondaChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.conda.rattler.version", lambda _: "0.30.1")
    with pytest.raises(WorkError) as caught:
        solved(at(channel), "low")
    assert caught.value.message == "py-rattler 0.30.1 is here, and envlock works with 0.28"
    assert caught.value.remedies == (f"{sys.executable} -m pip install 'py-rattler==0.28.*'",)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    os.mkfifo(job)  # nobody writes it, so the child would wait for ever
    code = (
        "import os, subprocess, sys\n"
        f"words = [sys.executable, {str(rattler.SCRIPT)!r}, {str(job)!r}, str(os.getpid())]\n"
        "null = subprocess.DEVNULL\n"
        "print(subprocess.Popen(words, stdout=null, stderr=null).pid, flush=True)\n"
        "os._exit(0)\n"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
    child = Path("/proc") / done.stdout.strip()
    wait_until(lambda: not child.exists())


@pytest.mark.usefixtures("channel")
def test_offline_a_channel_is_as_it_was_last_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as host:
        url = f"http://{host}/channel"
        before = solved(at(url), "high")
        rattler.install(before, at(url), tmp_path / "first", "linux-64", (), Silent())
    with rattler.reaching(offline=True):
        after = solved(at(url), "high")
        rattler.install(after, at(url), tmp_path / "second", "linux-64", (), Silent())
        assert pins(after) == pins(before)
        assert (tmp_path / "second" / "share" / "high.txt").exists()
        monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "other"))
        with pytest.raises(IndexFailure, match=r"offline, and the cache has not .*low-2.0"):
            rattler.install(after, at(url), tmp_path / "third", "linux-64", (), Silent())
        with pytest.raises(IndexFailure, match="offline, and the cache has not all pages of"):
            solved(at(url), "high")
