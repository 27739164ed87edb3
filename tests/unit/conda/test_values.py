"""A conda spec says itself in the words that conda takes."""

import pytest

from envlock.model import CondaSpec


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (CondaSpec(name="numpy"), "numpy"),
        (CondaSpec(name="numpy", version="=1.26"), "numpy=1.26"),
        (CondaSpec(name="numpy", version="==1.26.4"), "numpy==1.26.4"),
        (CondaSpec(name="numpy", version=">=1.2,<2"), "numpy >=1.2,<2"),
        (CondaSpec(name="numpy", version="=1.2", build="py_0"), "numpy=1.2=py_0"),
        (CondaSpec(name="numpy", version=">=1", build="py*"), "numpy >=1[build='py*']"),
        (CondaSpec(name="cudnn", channel="nvidia", version="=8"), "nvidia::cudnn=8"),
        (CondaSpec(name="a", channel="c", subdir="noarch"), "c/noarch::a"),
        (CondaSpec(name="a", keys=(("build_number", "1"),)), "a[build_number='1']"),
        (CondaSpec(name="a", url="https://x/noarch/a-1-0.conda"), "https://x/noarch/a-1-0.conda"),
    ],
)
def test_a_spec_is_written_as_conda_takes_it(spec: CondaSpec, text: str) -> None:
    assert str(spec) == text
