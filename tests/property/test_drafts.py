"""Laws of drafted rules: whatever was found, the rule is sound and holds for its own examples."""

from __future__ import annotations

from datetime import date

from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.bisect.differences import Side, differences
from envlock.bisect.draft import DraftFacts, draft
from envlock.bisect.failures import Failure
from envlock.model import Platform
from envlock.rules.database import example_faults
from envlock.rules.schema import faults, read_rule
from envlock.rules.tables import parse, render
from support.night import examples

A = canonicalize_name("a")
VICTIMS = tuple(map(canonicalize_name, ("tensorflow-cpu", "engine")))
NAMES = st.sampled_from(("numpy", "h5py", "a", "b-c", "keras")).map(canonicalize_name)
VERSIONS = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc1|\.post2|\+cpu)?", fullmatch=True).map(
    Version
)
PINS = st.dictionaries(NAMES, VERSIONS, max_size=4)
LINES = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        (
            "cannot open /tmp/x y/lib/python3.10/site-packages/a.so: 'no' such \"file\"",
            "object at 0x7f00beef in C:\\Users\\me\\a.py",
            "[numpy] (2.0)*+?^$|\\{}",
            "0\x85",
            "\r0",
            "a\u2028b\u2029",
        )
    ),
)


@examples(50)
@given(
    PINS,
    PINS,
    st.sampled_from((None, *VICTIMS)),
    st.builds(
        Failure,
        level=st.sampled_from(("import", "load", "keras", "run", "probe:a.py", "install")),
        error=st.sampled_from(("TypeError", "ImportError", "SIGSEGV", "no")),
        message=LINES,
    ),
    st.booleans(),
)
def test_a_draft_is_a_sound_rule(
    good: dict[NormalizedName, Version],
    bad: dict[NormalizedName, Version],
    victim: NormalizedName | None,
    failure: Failure,
    exact: bool,  # noqa: FBT001  (Hypothesis gives it)
) -> None:
    culprits = differences(good, bad)
    assume(culprits)
    victims = {} if victim is None else {victim: Version("2.10.1")}
    requires = {} if victim is None else {victim: [Requirement("numpy<2")]}
    document = draft(
        DraftFacts(
            culprits=culprits,
            between={A: [Version("9")]} if exact else None,
            failure=failure,
            good=Side(pins={**good, **victims}, requires=requires),
            victim=victim,
            breaks=exact,
            python=Version("3.10.13"),
            platform=Platform(system="linux", machine="x86_64", libc="glibc 2.36"),
            today=date(2026, 1, 1),
        )
    )
    assert faults(document) == ()
    assert example_faults(read_rule(document), document) == ()
    assert [*parse(render(document))] == [document]
