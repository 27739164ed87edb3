"""Ranges of versions in both languages."""

import pytest
from packaging.specifiers import SpecifierSet

from envlock.conda.names import to_conda, to_pep440


@pytest.mark.parametrize(
    ("pep440", "conda"),
    [
        ("", ""),
        ("==1.2", "==1.2"),
        ("===1.2", "==1.2"),
        ("==1.2.*", "1.2.*"),
        ("!=1.2.*", "!=1.2.*"),
        ("~=1.2", "~=1.2"),
        ("<2", "<2a0"),
        ("<2.0rc1", "<2.0rc1"),
        (">=1.2,<2", "<2a0,>=1.2"),
    ],
)
def test_a_range_of_pep_440_is_written_as_conda_has_it(pep440: str, conda: str) -> None:
    assert to_conda(SpecifierSet(pep440)) == conda


@pytest.mark.parametrize(
    ("conda", "pep440"),
    [
        ("", ""),
        ("*", ""),
        ("=1.2", "==1.2.*"),
        ("=1.2.*", "==1.2.*"),
        ("1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        ("==1.2", "==1.2"),
        (">=1.2,<2.0a0", ">=1.2,<2.0a0"),
        (">=1.2.*", ">=1.2"),
        ("!=1.2.*", "!=1.2.*"),
        ("~=1.2", "~=1.2"),
        ("~=3", ">=3"),
    ],
)
def test_a_range_of_conda_is_read_as_pep_440_has_it(conda: str, pep440: str) -> None:
    assert to_pep440(conda) == SpecifierSet(pep440)


@pytest.mark.parametrize("conda", ["1.2|1.3", "=2019a_1", ">=1,", "<>1"])
def test_what_pep_440_cannot_say_is_not_guessed(conda: str) -> None:
    assert to_pep440(conda) is None
