"""What `diagnose` finds to break, `fix` says too: of the same file, and of the same environment.

The index is empty, so no cure is found; what is wrong is said all the same.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.commands.diagnose.run import DiagnoseOrder, diagnose_all
from envlock.commands.fix.case import Steering, environment_case
from envlock.commands.fix.file import FileOrder, fix_file
from envlock.errors import NoResolution
from envlock.findings import Finding
from envlock.model import IndexSettings, Severity
from envlock.progress import Silent
from envlock.rules import database

from .test_cases import BROKEN, HEALTHY, Case

RULES = {rule.id: rule for rule in database.load().rules}
OF_FILES = [case for case in (*BROKEN, *HEALTHY) if case.get("packages")]
of_files = pytest.mark.parametrize("case", OF_FILES, ids=lambda case: case["id"])


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexSettings]:
    """An index without a file; what is kept is kept for all of these tests."""
    place = tmp_path_factory.mktemp("nothing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENVLOCK_CACHE_DIR", str(place / "cache"))
        patch.setenv("UV_CACHE_DIR", str(place / "uv"))
        (place / "wheels").mkdir()
        yield IndexSettings(no_index=True, find_links=((place / "wheels").as_uri(),))


def breaking(what: Path) -> set[str]:
    """The ids of what a diagnosis finds to break, those under a cause among them."""
    found = diagnose_all(DiagnoseOrder(what=(str(what),)), Silent()).findings
    return {each.id for each in every(found) if each.severity is Severity.BREAKS}


def every(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for each in findings:
        yield each
        yield from each.consequences


def said_of(file: Path, settings: IndexSettings) -> str:
    """What `fix` says of a file."""
    try:
        fixed = fix_file(FileOrder(path=file, settings=settings), Silent())
    except NoResolution as error:
        return error.message
    steps = () if fixed.plan is None else fixed.plan.steps
    named = {*(each.id for each in fixed.told), *(rule for step in steps for rule in step.rules)}
    return " ".join(f"{each}:" for each in named)


def written(case: Case, folder: Path) -> Path:
    """The file of a case: an environment.yml where conda is who installs."""
    if case.get("manager") != "conda":
        file = folder / "requirements.txt"
        file.write_text("\n".join(case["packages"]))
        return file
    file = folder / "environment.yml"
    specs = [line.replace("==", "=").removesuffix(".*") for line in case["packages"]]
    file.write_text("dependencies:\n" + "".join(f"  - {spec}\n" for spec in specs))
    return file


@of_files
def test_fix_says_of_a_file_what_diagnose_says(
    case: Case, tmp_path: Path, nothing: IndexSettings
) -> None:
    file = written(case, tmp_path)
    found, said = breaking(file), said_of(file, nothing)
    assert {name for name in found if f"{name}:" not in said} == set()
    if not found:
        assert not [name for name in RULES if f"{name}:" in said]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


@of_files
def test_fix_says_of_an_environment_what_diagnose_says(
    case: Case, environment: Path, nothing: IndexSettings
) -> None:
    install(case, next(environment.glob("lib/python3*/site-packages")))
    rules = tuple(RULES.values())
    planned, told = environment_case(environment / "bin" / "python", rules, nothing, Steering())
    ours = {each.rule.id for each in planned.broken} | {each.rule for each in planned.owners}
    ours |= {"missing-requirement"} if planned.missing else set()
    assert ours | {each.id for each in told} == breaking(environment)


def install(case: Case, site: Path) -> None:
    """Leave the records of exactly the case's pins, as an installer would."""
    for old in site.glob("*.dist-info"):
        for each in old.iterdir():
            each.unlink()
        old.rmdir()
    for requirement in map(Requirement, case["packages"]):
        if len(requirement.specifier) != 1 or "*" in str(requirement.specifier):
            continue
        (part,) = requirement.specifier
        name = canonicalize_name(requirement.name)
        folder = site / f"{name.replace('-', '_')}-{part.version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {part.version}\n"
        )
        (folder / "RECORD").write_text(f"{folder.name}/METADATA,,\n{folder.name}/RECORD,,\n")
