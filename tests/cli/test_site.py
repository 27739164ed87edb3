"""The site: what is typed on its pages can be typed, its links lead somewhere, all is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from envlock.cli import COMMANDS
from envlock.cli.before import read
from envlock.rules import database
from support.program import Program

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "site"
OWN = sorted(SITE.rglob("*.md"))
TYPED = [
    (page, line)
    for page in OWN
    for line in re.findall(r"^\$ envlock (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_what_is_typed_on_a_page_is_a_command_with_such_options(
    page: Path, line: str, program: Program
) -> None:
    del page
    words = read(shlex.split(line), frozenset({"run"})).command
    helped = program(words[0], "--help").out
    for word in words[1:]:
        if word.startswith("-") and word != "-":
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", helped), line


def test_the_site_is_built_without_a_warning_and_has_every_rule(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr  # strict: no warning either
    for rule in database.load().rules:
        page = tmp_path / "site" / "rules" / rule.id / "index.html"
        assert rule.id in page.read_text(encoding="utf-8")
    commands = (tmp_path / "site" / "commands" / "index.html").read_text(encoding="utf-8")
    assert all(f'id="envlock-{name.replace(" ", "-")}"' in commands for name in COMMANDS)
    assert (tmp_path / "site" / "matrix.html").is_file()


def test_every_page_of_ours_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[\w/-]+\.md", str(yaml.safe_load(text)["nav"])))
    assert {page.relative_to(SITE).as_posix() for page in OWN} <= listed
