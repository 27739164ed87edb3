"""What two sets of pins differ in, what goes together, and what is looked at first."""

from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.bisect.differences import (
    Side,
    applied,
    differences,
    likely,
    owners_in_frames,
    ranked,
    spoken_of,
    ties,
)
from envlock.changes import Plan, Step


def side(pins: str, **requires: str) -> Side:
    """Make ``a1 b2``, and what packages declare: ``a="b<2"``."""
    return Side(
        pins={
            canonicalize_name(n): Version(v) for n, v in (each.split("=") for each in pins.split())
        },
        requires={
            canonicalize_name(name.replace("_", "-")): [Requirement(each) for each in said.split()]
            for name, said in requires.items()
        },
    )


def steps(good: Side, bad: Side) -> tuple[Step, ...]:
    return differences(good.pins, bad.pins)


def needs(good: Side, bad: Side) -> Mapping[str, set[str]]:
    found = ties(steps(good, bad), good, bad).needs
    return {str(one.package): {each.package for each in others} for one, others in found.items()}


def test_packages_change_come_and_go() -> None:
    good, bad = side("a=1 b=1 c=1 d=1"), side("a=2 b=1 c=0.5 e=1")
    changes = steps(good, bad)
    assert str(Plan(steps=changes)) == "a 1 → 2, c 1 → 0.5, remove d 1, install e 1"
    assert applied(good.pins, changes) == bad.pins
    assert applied(good.pins, ()) == good.pins


def test_a_release_that_declares_a_new_neighbour_needs_it() -> None:
    good, bad = side("a=1 b=1"), side("a=2 b=2", a="b>=2")
    assert needs(good, bad) == {"a": {"b"}, "b": set()}


def test_a_neighbour_that_the_old_release_refuses_needs_the_new_one() -> None:
    good, bad = side("a=1 b=1", a="b<2"), side("a=2 b=2", a="b>=1")
    assert needs(good, bad) == {"a": set(), "b": {"a"}}


def test_requirements_that_neither_end_meets_tie_nothing() -> None:
    good, bad = side("a=1 b=1", a="b>5"), side("a=2 b=2", a="b>5")
    assert needs(good, bad) == {"a": set(), "b": set()}


def test_what_is_needed_is_followed_to_its_end() -> None:
    good, bad = side("a=1 b=1 c=1 d=1"), side("a=2 b=2 c=2 d=2", a="b>=2", b="c>=2")
    changes = steps(good, bad)
    closed = ties(changes, good, bad).close(frozenset(changes[:1]))
    assert {each.package for each in closed} == {"a", "b", "c"}


def test_what_comes_because_another_needs_it_is_a_companion() -> None:
    good, bad = side("a=1"), side("a=2 b=1 c=1", a="b", c="b")
    changes = steps(good, bad)
    together = ties(changes, good, bad)
    assert [each.package for each in together.companions(changes[:2])] == ["b"]
    assert together.companions(changes[1:2]) == ()
    first = likely(changes, (canonicalize_name("a"),), together)
    assert [{each.package for each in some} for some in first] == [{"a"}, {"a", "b"}]


def test_one_member_of_a_family_comes_when_the_other_goes() -> None:
    good, bad = side("tensorflow=2.15"), side("tensorflow-cpu=2.15")
    assert needs(good, bad) == {"tensorflow": set(), "tensorflow-cpu": {"tensorflow"}}


def test_what_the_failure_names_is_looked_at_first_and_then_great_changes() -> None:
    good = side("a=1.0.0 b=1.0.0 c=1.0.0 d=1.0.0 e=1.0 f=1", a="f c", b="f")
    bad = side("a=1.0.1 b=1.1.0 c=2.0.0 d=1.0.1 f=2")
    named = (canonicalize_name("d"),)
    order = ranked(steps(good, bad), named, (good, bad))
    assert [each.package for each in order] == ["d", "f", "c", "b", "a", "e"]
    first = likely(order, named, ties(order, good, bad))
    assert [[each.package for each in some] for some in first] == [["d"], ["f"]]


def test_a_traceback_tells_whose_its_frames_are() -> None:
    text = (
        'File "/x/lib/python3.11/site-packages/tensorflow/__init__.py", line 3, in <module>\n'
        '  File "C:\\x\\Lib\\site-packages\\google\\protobuf\\a.py", line 1, in f\n'
        '  File "/x/lib/python3.11/site-packages/unknown.py", line 1, in f\n'
        "TypeError: NumPy 2 and ml_dtypes"
    )
    files = {
        "tensorflow/__init__.py": canonicalize_name("tensorflow-cpu"),
        "google/protobuf/a.py": canonicalize_name("protobuf"),
    }
    assert owners_in_frames(text, files) == ("protobuf", "tensorflow-cpu")
    names = [canonicalize_name(each) for each in ("ml-dtypes", "num", "numpy", "six")]
    assert spoken_of(text, names) == ("ml-dtypes", "numpy")
