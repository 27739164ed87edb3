"""What is said while work goes on, and when little is to be said."""

from __future__ import annotations

import io
import re
import sys
import threading

import pytest

from envlock.cli.output import Lines
from envlock.cli.rows import say_rows
from support.pace import wait_until


def test_long_work_says_where_it_is_and_nothing_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    lines = Lines(verbose=False, still=0.01)
    with lines.phase("resolve h5py"), lines.phase("read the index"):
        wait_until(lambda: re.search(r"… read the index \(\d+ s so far\)\n", heard.getvalue()))
    assert not [each for each in threading.enumerate() if each.name == "still"]


def test_work_that_is_short_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(verbose=False).phase("resolve h5py"):
        pass
    assert capsys.readouterr() == ("", "")


def test_when_quiet_only_what_was_made_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("release", "h5py 3.11.0"), ("written", "requirements.txt"), ("next", "envlock sync")]
    say_rows(rows, quiet=True)
    assert capsys.readouterr().out == "written  requirements.txt\n"
    say_rows([("unchanged", "requirements.txt")], quiet=True)
    assert capsys.readouterr().out == ""
