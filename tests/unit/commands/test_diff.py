"""What differs between two locks, whatever they were written by."""

from __future__ import annotations

from msgspec.structs import replace
from packaging.version import Version

from envlock.commands.files.diff import Difference, Hashes, Moved, Reasons, Way, compare, side_of
from envlock.model import Lock, LockedPackage, RuleId
from support.conda_locks import REALISTIC_CONDA
from support.locks import REALISTIC, with_packages

H5PY, NUMPY, *REST = REALISTIC.part.pypi


def compared(before: Lock, after: Lock, *, hashes: bool = True) -> Difference:
    return compare(side_of(before), side_of(after), hashes=hashes)


def lock(*packages: LockedPackage, **more: str) -> Lock:
    return replace(with_packages(REALISTIC, packages), **more)


def of_part(**more: str) -> Lock:
    return replace(REALISTIC, parts=(replace(REALISTIC.part, **more),))


def test_a_lock_does_not_differ_from_itself() -> None:
    assert compared(REALISTIC, REALISTIC) == Difference()
    assert not compared(REALISTIC, REALISTIC)


def test_who_asked_how_it_was_made_and_its_notes_do_not_count() -> None:
    packages = [replace(package, via=("someone",)) for package in REALISTIC.part.pypi]
    other = lock(*packages, command="other", request_digest="sha256:1")
    assert not compared(REALISTIC, replace(other, notes=("a note",)))


def test_packages_are_added_removed_and_moved() -> None:
    newer = replace(NUMPY, version=Version("1.24.0"))
    six = next(package for package in REST if package.name == "six")
    found = compared(lock(H5PY, NUMPY), lock(newer, six))
    assert found.moved == (
        Moved(name="h5py", way=Way.REMOVED, before="3.7.0", after=None),
        Moved(name="numpy", way=Way.UP, before="1.23.5", after="1.24.0"),
        Moved(name="six", way=Way.ADDED, before=None, after="1.16.0"),
    )
    assert (found.hashes, bool(found)) == ((), True)


def test_other_hashes_of_the_same_version_are_told() -> None:
    kept, gone, *_ = H5PY.hashes
    other = replace(H5PY, hashes=(kept, "sha256:new"))
    (found,) = compared(lock(replace(H5PY, hashes=(kept, gone))), lock(other)).hashes
    expected = Hashes(
        name=H5PY.name, version=str(H5PY.version), before=(gone,), after=("sha256:new",)
    )
    assert found == expected


def test_hashes_are_not_compared_with_a_format_that_has_none() -> None:
    bare = [replace(package, hashes=()) for package in REALISTIC.part.pypi]
    assert not compared(REALISTIC, lock(*bare), hashes=False)
    assert len(compared(REALISTIC, lock(*bare)).hashes) == len(REALISTIC.part.pypi)


def test_rules_that_began_or_ceased_to_move_a_pin_are_told() -> None:
    other = replace(NUMPY, because=(NUMPY.because[0], RuleId("new-rule")))
    assert compared(lock(NUMPY), lock(other)).reasons == (
        Reasons(name=NUMPY.name, before=NUMPY.because[1:], after=(RuleId("new-rule"),)),
    )


def test_python_and_platform_differ_where_both_are_known() -> None:
    found = compared(REALISTIC, of_part(python="3.11", platform="macos-arm64"))
    assert (found.python, found.platform) == (("3.10", "3.11"), ("linux-x86_64", "macos-arm64"))
    assert not compared(REALISTIC, of_part(python="", platform=""))


def test_conda_packages_differ_by_version_build_and_platform() -> None:
    linux = replace(REALISTIC_CONDA, parts=REALISTIC_CONDA.parts[:1])
    (part,) = linux.parts
    first, second, *others = part.conda
    older = replace(first, version="0.0.1", sha256="0" * 64)
    built = replace(second, build=f"{second.build}_x", sha256="0" * 64)
    changed = replace(part, conda=(older, built, *others))
    other = replace(linux, parts=(changed,))
    found = compare(side_of(linux, apart=False), side_of(other, apart=False))
    assert {(each.name, each.way) for each in found.moved} == {
        (first.name, Way.DOWN),
        (second.name, Way.BUILD),
    }
    assert not compare(side_of(linux, apart=False), side_of(linux, apart=False))
    both = compare(side_of(linux, apart=True), side_of(REALISTIC_CONDA, apart=True))
    assert {each.way for each in both.moved} == {Way.ADDED}
    assert all(each.name.endswith(" [osx-arm64]") for each in both.moved)
    assert both.platform == ("linux-64", "linux-64, osx-arm64")


def test_conda_versions_are_ordered_as_numbers() -> None:
    assert [
        _way("1.9", "1.10"),
        _way("1.1.1u", "1.1.1w"),
        _way("2024a", "2023c"),
        _way("1.0rc1", "1.0.1"),
    ] == [Way.UP, Way.UP, Way.DOWN, Way.UP]


def _way(old: str, new: str) -> Way:
    (part, *_) = REALISTIC_CONDA.parts
    locks = [replace(part, conda=(replace(part.conda[0], version=each),)) for each in (old, new)]
    sides = [side_of(replace(REALISTIC_CONDA, parts=(one,)), apart=False) for one in locks]
    (moved,) = compare(sides[0], sides[1]).moved
    return moved.way
