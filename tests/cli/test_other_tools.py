"""The table of what people type elsewhere: each command of envlock's in it is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from support.program import Program

TABLE = (Path(__file__).parents[2] / "docs" / "other-tools.md").read_text(encoding="utf-8")
LINES = re.findall(r"`envlock ([^`]+)` \|$", TABLE, re.MULTILINE)


def test_there_is_a_command_on_each_line() -> None:
    assert len(LINES) == len(re.findall(r"^\| ", TABLE, re.MULTILINE)) - 1


def test_what_the_table_says_is_done_line_after_line(program: Program) -> None:
    (program.here / "requirements.in").write_text("h5py\nsix\n")
    assert program("run", "--", "python", "-c", "").code == 0
    for line in LINES:
        if not line.startswith("create"):  # which proves, and so needs what the test index lacks
            done = program(*shlex.split(line))
            assert (line, done.code, done.err.count("Traceback")) == (line, 0, 0), done.err
