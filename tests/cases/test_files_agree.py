"""`diagnose`, `fix` and `lock` say the same of every requirements file of public repositories.

``requirements-files.json.xz`` holds the files as they are, with repository,
path and commit. That they are read alike is tested every day; what they become
needs the real index, so that is tried at night.
"""

from __future__ import annotations

import json
import lzma
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.request.files import read_request_file
from support.program import Program, make_program

HERE = Path(__file__).parent
FILES: list[dict[str, str]] = json.loads(
    lzma.decompress((HERE / "requirements-files.json.xz").read_bytes())
)
ENVIRONMENTS: list[dict[str, str]] = json.loads(
    lzma.decompress((HERE / "environment-files.json.xz").read_bytes())
)
each_file = pytest.mark.parametrize(
    "file", FILES, ids=lambda f: f"{f['repository']}/{f['path']}@{f['commit'][:8]}"
)


def locked(path: Path) -> set[NormalizedName] | None:
    """The packages that a lock of a file is asked for; None where it is refused."""
    try:
        wishes = read_request_file(path).requirements
    except UsageError:
        return None
    return {canonicalize_name(each.requirement.name) for each in wishes}


@each_file
def test_a_file_is_read_alike_and_what_lock_refuses_diagnose_tells(
    file: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(file["text"].encode())
    found = examine_path(path, Given())
    wanted = locked(path)
    if wanted is None:
        assert any(re.match(r"\S+:\d+: ", note) for note in found.notes)
    else:
        assert {canonicalize_name(each.requirement.name) for each in found.asked} == wanted


def verdict(program: Program, name: str, *more: str) -> str:
    """What `diagnose` says of a file: refused, impossible, breaks or well."""
    done = program("diagnose", name, *more, "--json")
    if done.code not in {0, 1}:
        return "refused"
    found = done.data["findings"]
    if any(each["rule"] == "not-installable" for each in found):
        return "impossible"
    return "breaks" if any(each["severity"] == "breaks" for each in found) else "well"


def pythons(program: Program, name: str) -> Iterator[tuple[str, ...]]:
    """The usual Python, and the one that the next step names where that has no wheels."""
    yield ()
    next_step = re.search(r"^next: (.+)$", program("diagnose", name).out, re.MULTILINE)
    words = shlex.split(next_step[1]) if next_step else []
    if "--python" in words:
        yield tuple(words[words.index("--python") :][:2])


#: The exit codes of `fix --dry-run` and of `lock` that go with a verdict. What a rule refuses
#: whole can have no cure, and then neither of them has an answer. What no Python here takes,
#: `fix` may have an edit for.
ALIKE = {
    "well": {(0, 0)},
    "breaks": {(1, 0), (3, 3)},
    "impossible": {(3, 3), (1, 3)},
    "refused": {(2, 2)},
}


#: What a lock needs and those that only look do not: a channel of conda's, a build of a source
#: archive, of which `diagnose` says that it was not tried.
_CHANNEL = re.compile(r"conda channel \S+ could not be read")
_BUILDS = "only building it tells"
#: What nobody here can know: the index did not answer, or a busy machine had no time for it.
_UNKNOWN = re.compile(
    r"what an installer takes\s+today is not known:\s+"
    r"(?:no answer after|cannot read the package index)"
)
#: No lock has two owners of one folder, of which two of one version run: that is told as such.
_TWICE = "(rule tf-two-owners)"


def agree(program: Program, name: str) -> None:
    """Hold the three together for one file, for each Python that is worth it."""
    for python in pythons(program, name):
        said = verdict(program, name, *python)
        fixed = program("fix", name, "--dry-run", *python).code
        asked = program("lock", "-r", name, "-o", "-", *python)
        if asked.code != 2 and (fixed, asked.code) in ALIKE[said]:
            continue
        again = program("diagnose", name, *python)
        if asked.code == 2:  # an option of the file, or a line: diagnose tells it too
            assert re.search(r"(?m)^\S+:\d+: ", again.err)
        elif asked.code == 4 and (_CHANNEL.search(asked.err) or _BUILDS in again.err):
            assert fixed in {each for each, _ in ALIKE[said]}
        elif asked.code == 3 and _TWICE in asked.err:
            assert re.search(r"tf-(?:two-owners|owners-alike)", again.out)
        else:
            assert _UNKNOWN.search(again.err), asked.err


@pytest.mark.nightly
@pytest.mark.network
@each_file
def test_the_three_agree_on_a_requirements_file(file: dict[str, str], tmp_path: Path) -> None:
    program = make_program(tmp_path)
    (program.here / "requirements.txt").write_bytes(file["text"].encode())
    agree(program, "requirements.txt")


@pytest.mark.nightly
@pytest.mark.network
@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda f: f"{f['repository']}/{f['path']}")
def test_the_three_agree_on_an_environment_file(file: dict[str, str], tmp_path: Path) -> None:
    program = make_program(tmp_path)
    (program.here / "environment.yml").write_bytes(file["text"].encode())
    agree(program, "environment.yml")
