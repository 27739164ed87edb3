"""What versions say of a rule, where they are exact, ranges, or not told at all."""

import random

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.diagnose.deduced import known_of
from envlock.diagnose.rulings import judge
from envlock.findings import Examined, Kind
from envlock.model import Platform, Rule
from envlock.rules import database
from envlock.rules.check import Known, Situation, Truth, violations

RULES = database.load()
LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")


def rule(name: str) -> Rule:
    found = RULES.find(name)
    assert found is not None
    return found


def known(
    *wishes: str,
    complete: bool = False,
    python: str | None = None,
    platform: Platform | None = None,
    manager: str | None = "pip",
) -> Known:
    """``name==1.2`` is a version, ``name>=1`` or ``name`` a range."""
    packages, loose = {}, {}
    for wish in wishes:
        name, equals, version = wish.partition("==")
        if equals and not version.endswith("*"):
            packages[canonicalize_name(name)] = Version(version)
        else:
            bare = wish.rstrip("<>=!~.*,0123456789")
            loose[canonicalize_name(bare)] = SpecifierSet(wish.removeprefix(bare))
    return known_of(
        Examined(
            kind=Kind.FILE,
            origin="x",
            packages=packages,
            loose=loose,
            complete=complete,
            python=Version(python) if python else None,
            platform=platform,
            manager=manager,
        )
    )


VERDICTS = [
    # rule, what is known, how far it is broken
    ("h5py3-str-decode", known("tensorflow==2.4.1", "h5py==3.1.0"), Truth.YES),
    ("h5py3-str-decode", known("tensorflow-cpu==2.4.1", "h5py>=3"), Truth.YES),
    ("h5py3-str-decode", known("tensorflow<2.4", "h5py==3.1.0"), Truth.YES),
    ("h5py3-str-decode", known("tensorflow==2.4.1", "h5py==2.10.0"), Truth.NO),
    ("h5py3-str-decode", known("tensorflow==2.5.0", "h5py==3.1.0"), Truth.NO),
    ("h5py3-str-decode", known("tensorflow==2.4.1"), Truth.MAYBE),
    ("h5py3-str-decode", known("tensorflow==2.4.1", complete=True), Truth.NO),
    ("h5py3-str-decode", known(), Truth.MAYBE),
    # TensorFlow 1.15.4 declares no bound on h5py, 2.4.1 does
    ("h5py3-str-decode", known("tensorflow==1.15.4", "h5py"), Truth.LIKELY),
    ("h5py3-str-decode", known("tensorflow==2.4.1", "h5py"), Truth.MAYBE),
    ("h5py3-str-decode", known("tensorflow==1.15.4", "h5py<3"), Truth.NO),
    # a newer NumPy has no release for Python 3.7
    ("numpy124-aliases", known("tensorflow==1.15.0", "numpy", python="3.7"), Truth.MAYBE),
    ("numpy120-symbolic-tensor", known("tensorflow==1.15.0", "numpy", python="3.7"), Truth.LIKELY),
    # include: the package has to be there
    ("distutils-removed", known("tensorflow==2.16.1", python="3.12", complete=True), Truth.YES),
    ("distutils-removed", known("tensorflow==2.16.1", python="3.12"), Truth.MAYBE),
    ("distutils-removed", known("tensorflow==2.16.1", "setuptools==69.0", python="3.12"), Truth.NO),
    ("distutils-removed", known("tensorflow==2.16.1", "setuptools", python="3.12"), Truth.NO),
    ("distutils-removed", known("tensorflow==2.16.1", python="3.11", complete=True), Truth.NO),
    ("distutils-removed", known("tensorflow==2.16.1", complete=True), Truth.MAYBE),
    # the system: told, or told by packages that only one has
    ("tf-metal-abi", known("tensorflow==2.18.0", "tensorflow-metal==1.1.0"), Truth.YES),
    (
        "tf-metal-abi",
        known("tensorflow==2.18.0", "tensorflow-metal==1.1.0", platform=LINUX),
        Truth.NO,
    ),
    ("h5py-3120-windows-dll", known("h5py==3.12.0"), Truth.MAYBE),
    # the manager: unknown is most likely pip
    (
        "protobuf4-descriptors",
        known("tensorflow==2.8.0", "protobuf==4.21.1", manager=None),
        Truth.LIKELY,
    ),
    (
        "protobuf4-descriptors",
        known("tensorflow==2.8.0", "protobuf==4.21.1", manager="conda"),
        Truth.NO,
    ),
    # two owners
    ("tf-two-owners", known("tensorflow==2.10.0", "tensorflow-gpu==2.9.0"), Truth.YES),
    ("tf-two-owners", known("tensorflow==2.10.0", "tensorflow-gpu==2.10.0"), Truth.MAYBE),
    ("tf-two-owners", known("tensorflow==2.10.0", "tensorflow-gpu>=2.10"), Truth.YES),
    ("tf-owners-alike", known("tensorflow==2.10.0", "tensorflow-gpu==2.10.0"), Truth.YES),
    ("tf-owners-alike", known("tensorflow==2.10.0", "tensorflow-gpu==2.9.0"), Truth.MAYBE),
    ("tf-owners-alike", known("tensorflow==2.10.0", "tensorflow-intel==2.10.0"), Truth.MAYBE),
    ("tf-two-owners", known("tensorflow==2.10.0", "tensorflow-intel==2.10.0"), Truth.MAYBE),
    ("tf-two-owners", known("tensorflow==2.10.0", complete=True), Truth.NO),
    # a pre-release of a bound may have either side
    ("protobuf6-getprototype", known("tensorflow==2.20.0.dev0", "protobuf==6.31.0"), Truth.MAYBE),
]


@pytest.mark.parametrize(("name", "given", "truth"), VERDICTS)
def test_what_is_known_says_how_far_a_rule_is_broken(name: str, given: Known, truth: Truth) -> None:
    assert judge(rule(name), given).truth is truth


def test_the_packages_of_all_broken_lines_are_told() -> None:
    verdict = judge(
        rule("old-exact-pins"),
        known("tensorflow==2.5.0", "six==1.16.0", "wrapt==1.14.0", "termcolor==1.1.0"),
    )
    assert verdict.offenders == {"six", "wrapt"}
    assert {n: str(v) for n, v in verdict.packages.items()} == {
        "tensorflow": "2.5.0",
        "six": "1.16.0",
        "wrapt": "1.14.0",
    }


def sample(chance: random.Random) -> dict[str, str]:
    choices = {
        "tensorflow": ("1.15.5", "2.3.4", "2.4.4", "2.6.0", "2.10.1", "2.15.1", "2.16.2", "2.21.0"),
        "tensorflow-cpu": ("2.10.1", "2.15.1"),
        "keras": ("2.2.4", "2.3.1", "2.6.0", "2.10.0", "2.15.0", "3.0.5", "3.12.0"),
        "h5py": ("2.10.0", "3.1.0", "3.11.0", "3.16.0"),
        "numpy": ("1.16.6", "1.19.5", "1.20.3", "1.24.4", "1.26.4", "2.0.2", "2.4.6"),
        "protobuf": ("3.19.6", "3.20.3", "4.21.12", "5.28.0", "6.31.1"),
        "setuptools": ("69.0", "84.2.1"),
        "tensorflow-addons": ("0.12.1", "0.23.0"),
        "tensorflow-probability": ("0.12.0", "0.24.0"),
        "tf-keras": ("2.16.0", "2.18.0"),
        "gast": ("0.2.2", "0.3.3", "0.4.0"),
        "ml-dtypes": ("0.2.0", "0.3.2", "0.5.4"),
    }
    return {name: chance.choice(some) for name, some in choices.items() if chance.random() < 0.6}


@pytest.mark.parametrize("seed", range(100))
def test_of_a_whole_environment_it_says_what_the_check_of_a_lock_says(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    packages = {canonicalize_name(n): Version(v) for n, v in sample(chance).items()}
    python = Version(chance.choice(("3.7.16", "3.8.18", "3.10.13", "3.12.1")))
    situation = Situation(python=python, platform=LINUX, manager="pip")
    whole = known_of(
        Examined(
            kind=Kind.ENVIRONMENT,
            origin="x",
            packages=packages,
            complete=True,
            python=python,
            platform=LINUX,
            manager="pip",
        )
    )
    verdicts = {each.id: judge(each, whole) for each in RULES.rules}
    broken = {name for name, each in verdicts.items() if each.judged and each.truth is Truth.YES}
    assert broken == {each.rule.id for each in violations(RULES.rules, packages, situation)}
