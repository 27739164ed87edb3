"""Which wheels a target takes, told from their names."""

from __future__ import annotations

import pytest
from packaging.utils import parse_wheel_filename

from envlock.targets.tags import preference

TAGS = ("cp311-cp311-linux_x86_64", "cp311-abi3-linux_x86_64", "py3-none-any")
NAMES = (
    "a-1-cp311-cp311-linux_x86_64.whl",
    "a-1-1-cp311-cp311-linux_x86_64.whl",
    "A_b-1.0-CP311-abi3-manylinux1_x86_64.linux_x86_64.whl",
    "a-1-py2.py3-none-any.whl",
    "a-1-cp310-cp310-linux_x86_64.whl",
    "a-x-py3-none-any.whl",
    "a--py3-none-any.whl",
    "a-1-x-py3-none-any.whl",
    "py3-none-any.whl",
    "none-any.whl",
    ".whl",
)


def strictly(filename: str) -> int | None:
    """Return the place of the best tag that the strict parser finds."""
    try:
        own = {str(tag) for tag in parse_wheel_filename(filename)[3]}
    except ValueError:
        return None
    return min((TAGS.index(tag) for tag in own & set(TAGS)), default=None)


@pytest.mark.parametrize("filename", NAMES)
def test_a_wheel_has_the_place_of_its_best_tag_and_a_bad_name_has_none(filename: str) -> None:
    assert preference(filename, TAGS) == strictly(filename)
    assert preference(filename, TAGS) == strictly(filename)  # as it is remembered


def test_what_is_known_of_one_target_is_not_told_of_another() -> None:
    wheel = "a-1-py3-none-any.whl"
    assert [preference(wheel, tags) for tags in (TAGS, TAGS[:2], TAGS[2:])] == [2, None, 0]
    for _ in range(100):
        assert preference(wheel, tuple(sorted({"py3-none-any"}))) == 0
        assert preference(wheel, ("py2-none-any",)) is None


def test_what_is_no_wheel_comes_after_all_wheels() -> None:
    assert preference("a-1.tar.gz", TAGS) == len(TAGS)
