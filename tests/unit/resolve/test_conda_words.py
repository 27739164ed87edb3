"""The tree of a conflict that py-rattler prints is told in sentences."""

import pytest

from envlock.model import CondaSpec
from envlock.resolve.conda.explain import sentences

ASKED = (
    CondaSpec(name="tensorflow", version="=2.15", origin="environment.yml:5"),
    CondaSpec(name="numpy", version="=2"),
)
OPENING = "Cannot solve the request because of: "
TREE = (
    OPENING
    + """tensorflow 2.15.* cannot be installed because there are no viable options:
├─ tensorflow 2.15.0 would require
│  └─ __cuda *, for which no candidates were found.
└─ tensorflow 2.15.0 would require
   └─ tensorflow-base ==2.15.0 cpu_2, which cannot be installed because there are no viable options:
      └─ tensorflow-base 2.15.0 would require
         └─ numpy >=1.22,<2.0a0, for which no candidates were found.
"""
)


def test_each_path_to_what_is_not_there_is_a_sentence() -> None:
    assert sentences(TREE, ASKED) == (
        "tensorflow 2.15.0 needs __cuda: the NVIDIA driver that the lock is for does not offer it",
        (
            "tensorflow 2.15.0 needs tensorflow-base 2.15.0, which needs numpy >=1.22,<2.0a0;"
            " numpy=2 was asked for"
        ),
    )


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (
            "No candidates were found for tensorflow 2.15.*.",
            "no channel has tensorflow 2.15.* for this platform (environment.yml:5)",
        ),
        ("No candidates were found for nosuch *.", "no channel has nosuch for this platform"),
        (
            (
                "x * cannot be installed because there are no viable options:\n"
                "└─ x 1.0 | 1.1 | ... | 2.0 would require\n"
                "   └─ lib >=3, for which no candidates were found."
            ),
            "x 1.0 to 2.0 need lib >=3, and no channel has one that fits the rest",
        ),
        (
            (
                "The following packages are incompatible\n"
                "├─ the constraint hdf5 <1.13 cannot be fulfilled\n"
                "└─ the constraint hdf5 <1.13 cannot be fulfilled"
            ),
            "hdf5 <1.13 is demanded, and nothing else that was asked for fits it",
        ),
        (
            (
                "The following packages are incompatible\n"
                "├─ a 1.0 would require\n"
                "│  └─ c 1.*, which can be installed with any of the following options:\n"
                "│     └─ c 1.0\n"
                "└─ b 1.0 would require\n"
                "   └─ c 2.*, which conflicts with the versions reported above."
            ),
            "b 1.0 needs c 2.*, and no channel has one that fits the rest",
        ),
        ("something quite\n├─ else", "something quite; else"),
    ],
)
def test_other_shapes(tree: str, said: str) -> None:
    assert sentences(OPENING + tree, ASKED) == (said,)


def test_a_long_list_is_cut() -> None:
    tree = (
        OPENING
        + "x * cannot be installed because there are no viable options:\n"
        + "".join(
            f"├─ x 1.{number} would require\n"
            f"│  └─ y{number} *, for which no candidates were found.\n"
            for number in range(8)
        )
    )
    found = sentences(tree, ())
    assert len(found) == 6
    assert found[-1] == "and 3 more like these"
