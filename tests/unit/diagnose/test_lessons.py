"""What findings teach a lock: bounds on what is there, or on what is lacking."""

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.causes import Cause
from envlock.diagnose.lessons import lessons
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity

LINE = "AttributeError: module 'numpy' has no attribute 'bool'"
THERE = {
    canonicalize_name(name): Version(version)
    for name, version in {"numpy": "1.26.4", "tensorflow-cpu": "2.15.1", "old": "1.0"}.items()
}


def finding(
    *remedies: str,
    kind: RemedyKind = RemedyKind.INSTALL,
    cause: Cause = Cause.VERSION,
    severity: Severity = Severity.BREAKS,
    evidence: str = LINE,
) -> Finding:
    return Finding(
        id="demo",
        title="demo",
        severity=severity,
        because="demo",
        packages={},
        cause=cause,
        remedies=tuple(Remedy(kind=kind, text=each) for each in remedies),
        evidence=evidence,
    )


def taught(*findings: Finding) -> list[str]:
    return [*map(str, lessons(findings, f"…\n{LINE}\n", THERE))]


def test_each_way_is_one_and_what_is_so_already_is_none() -> None:
    assert taught(finding("numpy<1.24", "old>=2", "numpy>=1.20 old<3")) == ["numpy<1.24", "old>=2"]


def test_what_is_lacking_is_asked_for() -> None:
    assert taught(finding("setuptools<82")) == ["setuptools<82"]


def test_a_family_is_bounded_by_the_member_that_is_there() -> None:
    assert taught(finding("tensorflow>=2.18")) == ["tensorflow-cpu>=2.18"]


def test_several_packages_move_together() -> None:
    assert taught(finding("numpy<1.24 old<1")) == ["numpy<1.24 and old<1"]


@pytest.mark.parametrize(
    "other",
    [
        finding("pip install --upgrade old", kind=RemedyKind.COMMAND),
        finding("numpy<1.24", cause=Cause.SYSTEM),
        finding("numpy<1.24", severity=Severity.DEGRADES),
        finding("numpy<1.24", evidence=""),
        finding("numpy<1.24", evidence="OSError: of another text"),
        finding("numpy[all]<1.24"),
        finding("numpy @ https://example.org/numpy.whl"),
    ],
    ids=["command", "system", "degrades", "unseen", "elsewhere", "extra", "address"],
)
def test_all_else_teaches_nothing(other: Finding) -> None:
    assert taught(other) == []
