from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from envlock.formats.requirements import render
from envlock.model import Lock
from support.locks import REALISTIC, locked, with_packages


def entry(lock: Lock) -> list[str]:
    """The lines under the header."""
    text = render(lock)[0]
    return [line for line in text.splitlines() if not line.startswith("#")]


def lock_of(*via: str) -> Lock:
    return with_packages(REALISTIC, [locked("demo", "1.0", (), via=via)])


def test_a_pin_without_hashes_has_no_backslash() -> None:
    assert entry(lock_of()) == ["demo==1.0"]


def test_hashes_follow_the_pin_and_no_comment_follows_a_backslash() -> None:
    lines = render(REALISTIC)[0].splitlines()
    for line, following in pairwise(lines):
        assert line.endswith(" \\") == following.startswith("    --hash=")


def test_a_short_via_stays_on_one_line() -> None:
    assert entry(lock_of("keras", "h5py")) == ["demo==1.0", "    # via h5py, keras"]


def test_a_long_via_has_a_line_for_each() -> None:
    names = [f"some-long-package-{number}" for number in range(5)]
    assert entry(lock_of(*names)) == [
        "demo==1.0",
        "    # via",
        *(f"    #   {name}" for name in names),
    ]


def test_a_via_with_a_comma_has_a_line_of_its_own() -> None:
    assert entry(lock_of("-r a, b.in")) == ["demo==1.0", "    # via", "    #   -r a, b.in"]


def test_a_rule_without_a_sentence_is_named() -> None:
    package = locked("demo", "1.0", (), via=(), because=("tf-numpy2",))
    lock = replace(with_packages(REALISTIC, [package]), reasons={})
    assert entry(lock) == ["demo==1.0", "    # because tf-numpy2"]
