"""What is told of pip, and of metadata that it does not read."""

from __future__ import annotations

import pytest

from envlock.engine.piptools import _causes
from envlock.index.mending import mended

SAID = """\
WARNING: Ignoring version 2.3.0 of some-api since it has invalid metadata:
ERROR: Cannot install some-api==2.3.0 because these package versions have conflicting dependencies.
Discarding some-api==2.3.0 (from -r requirements.txt (line 39)) to proceed the resolution
ERROR: Could not find a version that satisfies the requirement some-api==2.3.0 (from versions: 1, 2)
Traceback (most recent call last):
  File "/x/pip/_vendor/resolvelib/resolvers.py", line 397, in resolve
    raise RequirementsConflicted(criterion)
pip._vendor.resolvelib.resolvers.RequirementsConflicted: Requirements conflict: Specifier('x')
During handling of the above exception, another exception occurred:
Traceback (most recent call last):
  File "/x/y.py", line 1, in z
pip._vendor.resolvelib.resolvers.ResolutionImpossible: [RequirementInformation(requirement=x)]
The above exception was the direct cause of the following exception:
Traceback (most recent call last):
  File "/x/y.py", line 1, in z
pip._internal.exceptions.DistributionNotFound: No matching distribution found for some-api==2.3.0
"""


def test_of_pip_its_sentences_are_told_and_nothing_of_its_inside() -> None:
    assert _causes(SAID).splitlines() == [
        (
            "Cannot install some-api==2.3.0 because these package versions have conflicting"
            " dependencies."
        ),
        "Could not find a version that satisfies the requirement some-api==2.3.0",
    ]
    assert _causes("pip._internal.exceptions.Odd: this alone\n") == (
        "pip._internal.exceptions.Odd: this alone"
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("grpcio (>=1.0<2)", "grpcio (>=1.0,<2)"),
        ("numpy (>=3.)", "numpy (>=3)"),
        ("numpy>=1.20; extra == 'a'", "numpy>=1.20; extra == 'a'"),
        ("no requirement at all", "no requirement at all"),
    ],
)
def test_a_requirement_that_no_installer_reads_says_what_it_meant(said: str, meant: str) -> None:
    text = f"Name: some-api\nRequires-Dist: {said}\n\nRequires-Dist: {said}\n"
    new, wrong = mended(text.encode())
    assert new.decode() == f"Name: some-api\nRequires-Dist: {meant}\n\nRequires-Dist: {said}\n"
    assert wrong == ((said,) if meant != said else ())
