"""What differs between two locks, whatever they were written by."""

from __future__ import annotations

from dataclasses import replace

from packaging.version import Version

from envlock.differences import Difference, Hashes, Moved, Reasons, compare
from envlock.model import Lock, LockedPackage, RuleId
from support.locks import REALISTIC

H5PY, NUMPY, *REST = REALISTIC.packages


def lock(*packages: LockedPackage, **more: str) -> Lock:
    return replace(REALISTIC, packages=packages, **more)  # type: ignore[arg-type]


def test_a_lock_does_not_differ_from_itself() -> None:
    assert compare(REALISTIC, REALISTIC) == Difference()
    assert not compare(REALISTIC, REALISTIC)


def test_who_asked_how_it_was_made_and_its_notes_do_not_count() -> None:
    packages = [replace(package, via=("someone",)) for package in REALISTIC.packages]
    other = lock(*packages, command="other", request_digest="sha256:1")
    assert not compare(REALISTIC, replace(other, notes=("a note",)))


def test_packages_are_added_removed_and_moved() -> None:
    newer = replace(NUMPY, version=Version("1.24.0"))
    six = next(package for package in REST if package.name == "six")
    found = compare(lock(H5PY, NUMPY), lock(newer, six))
    assert found.moved == (
        Moved(name=H5PY.name, before=H5PY.version, after=None),
        Moved(name=NUMPY.name, before=NUMPY.version, after=Version("1.24.0")),
        Moved(name=six.name, before=None, after=six.version),
    )
    assert (found.hashes, bool(found)) == ((), True)


def test_other_hashes_of_the_same_version_are_told() -> None:
    kept, gone, *_ = H5PY.hashes
    other = replace(H5PY, hashes=(kept, "sha256:new"))
    (found,) = compare(lock(replace(H5PY, hashes=(kept, gone))), lock(other)).hashes
    expected = Hashes(name=H5PY.name, version=H5PY.version, before=(gone,), after=("sha256:new",))
    assert found == expected


def test_hashes_are_not_compared_with_a_format_that_has_none() -> None:
    bare = [replace(package, hashes=()) for package in REALISTIC.packages]
    assert not compare(REALISTIC, lock(*bare), hashes=False)
    assert len(compare(REALISTIC, lock(*bare)).hashes) == len(REALISTIC.packages)


def test_rules_that_began_or_ceased_to_move_a_pin_are_told() -> None:
    other = replace(NUMPY, because=(NUMPY.because[0], RuleId("new-rule")))
    assert compare(lock(NUMPY), lock(other)).reasons == (
        Reasons(name=NUMPY.name, before=NUMPY.because[1:], after=(RuleId("new-rule"),)),
    )


def test_python_and_platform_differ_where_both_are_known() -> None:
    found = compare(REALISTIC, replace(REALISTIC, python="3.11", platform="macos-arm64"))
    assert (found.python, found.platform) == (("3.10", "3.11"), ("linux-x86_64", "macos-arm64"))
    assert not compare(REALISTIC, replace(REALISTIC, python="", platform=""))
