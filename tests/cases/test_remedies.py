"""The first change of versions that is told cures: nothing breaks in the file that has it."""

from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.diagnose.offers import newest_offered
from envlock.findings import Finding
from envlock.model import Platform, RemedyKind, Severity
from envlock.rules.check import Situation

from .test_cases import BROKEN, Case, found

#: Sets that people had and that break in two ways at once, or whose cure is not the first one
#: that comes to mind: each line of a requirements file, the Python and the system.
HARD = (
    (["tensorflow==2.15.0", "numpy==2.1.0", "ml-dtypes==0.3.2"], "3.11", "linux-x86_64"),
    (["tensorflow==2.4.0", "numpy==1.24.0", "h5py==3.8.0", "protobuf==4.25.0"], "3.8", "linux"),
    (["tensorflow==2.8.0", "nvidia-cudnn-cu11==8.6.0.163"], "3.10", "linux-x86_64"),
    (["tensorflow==2.16.1", "tensorflow-text==2.15.0"], "3.10", "windows-x86_64"),
    (["tensorflow==2.5.0", "tensorflow-metal==0.1.1"], "3.8", "macos-arm64"),
    (["tensorflow==2.18.0", "tensorflow-metal==1.1.0"], "3.9", "macos-arm64"),
    (["tensorflow-gpu==2.12.0"], "3.10", "linux-x86_64"),
    (["tensorflow-gpu==2.4.0", "numpy==1.24.0"], "3.8", "linux-x86_64"),
    (["tensorflow==2.14.0", "keras==3.1.0", "numpy==2.0.0"], "3.10", "linux-x86_64"),
    (["tensorflow==2.12.0", "keras==2.15.0", "typing-extensions==4.12.0"], "3.10", "windows"),
    (["tensorflow==2.10.1", "h5py==2.10.0", "numpy==2.0.0", "protobuf==5.26.0"], "3.9", "linux"),
    (["tensorflow==2.19.0", "tensorflow-decision-forests==1.9.0"], "3.11", "linux-x86_64"),
    (["tensorflow==2.13.0", "tensorflow-probability==0.24.0", "numpy==2.0.0"], "3.11", "linux"),
)
CASES: list[Case] = [
    *(each for each in BROKEN if each.get("packages")),
    *(
        {"id": " ".join(lines), "packages": lines, "python": python, "platform": platform}
        for lines, python, platform in HARD
    ),
]


def every(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for each in findings:
        yield each
        yield from every(each.consequences)


def breaking(case: Case) -> dict[str, Finding]:
    return {each.id: each for each in every(found(case)) if each.severity is Severity.BREAKS}


def with_change(lines: list[str], change: str) -> list[str]:
    """The lines of a file in which what a remedy says was written."""
    wanted = {canonicalize_name(Requirement(each).name): each for each in change.split()}
    names = [canonicalize_name(Requirement(each).name) for each in lines]
    whole = canonicalize_name("tensorflow")
    if whole in wanted:  # it stands for the build that is replaced
        names = [whole if each == "tensorflow-gpu" else each for each in names]
    kept = [wanted.pop(name, line) for name, line in zip(names, lines, strict=True)]
    return [*kept, *wanted.values()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_first_change_that_is_told_ends_all_that_breaks(case: Case) -> None:
    shown = {key: value for key, value in case.items() if key != "symptom"}
    for finding in breaking(case).values():
        first = next(iter(finding.remedies), None)
        if first is not None and first.kind is RemedyKind.INSTALL:
            cured = {**shown, "packages": with_change(shown["packages"], first.text)}
            assert [*breaking(cured)] == [], f"{finding.id}: {first.text}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_what_breaks_has_a_way_out(case: Case) -> None:
    for finding in breaking(case).values():
        assert finding.remedies, finding.id


def first_of(lines: list[str], python: str, platform: str, name: str) -> str:
    case = {"id": "", "packages": lines, "python": python, "platform": platform}
    return breaking(case)[name].remedies[0].text


@pytest.mark.parametrize(
    ("lines", "python", "platform", "name", "cure"),
    [
        (*HARD[0], "ml-dtypes-numpy2", "numpy<2"),
        (*HARD[1], "numpy124-aliases", "numpy<1.20 h5py>=2.10,<3 protobuf<3.21"),
        (*HARD[6], "tensorflow-gpu-removed", "tensorflow"),
        (*HARD[8], "numpy2-tf-abi", "keras==2.14.* numpy<2"),
    ],
)
def test_the_cure_is(lines: list[str], python: str, platform: str, name: str, cure: str) -> None:
    assert first_of(lines, python, platform, name) == cure


@pytest.mark.parametrize(("system", "is_offered"), [("windows", False), ("linux", True)])
def test_what_has_no_wheel_for_a_system_is_not_offered_there(
    system: str, *, is_offered: bool
) -> None:
    machine = Platform(system=system, machine="x86_64")
    situation = Situation(python=Version("3.11"), platform=machine, manager="pip")
    name = canonicalize_name("tensorflow-text")
    found = newest_offered(name, Requirement("tensorflow-text==2.16.*"), situation)
    assert (found is not None) is is_offered
    earlier = newest_offered(name, Requirement("tensorflow-text<2.11"), situation)
    assert earlier is not None
