"""Cases over a folder of small wheels, solved by uv; nothing is installed."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.changes import Plan
from envlock.choices import EngineName
from envlock.commands.today import tools_for
from envlock.model import IndexSettings, Rule, Severity, Violation
from envlock.plan import Complaint, plans
from envlock.progress import Silent
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import target_on
from support.distributions import build_wheel

#: The Python of the cases, whichever runs the tests: rules ask for more on a later one.
PYTHON = Version("3.11.7")
#: Releases of a small index: what each requires.
RELEASES: Mapping[str, Mapping[str, Iterable[str]]] = {
    "tensorflow": {
        "2.3.0": ["numpy<3"],
        "2.14.0": ["numpy<3", "keras<2.15,>=2.14"],
        "2.15.0": ["numpy<3", "keras<2.16,>=2.15"],
        "2.15.1": ["numpy<3", "keras<2.16,>=2.15"],
        "2.18.0": ["numpy<3", "keras>=3.5"],
    },
    "tensorflow-cpu": {"2.15.0": []},
    "keras": {
        "2.2.4": [],
        "2.3.0": [],
        "2.3.1": [],
        "2.4.3": [],
        "2.14.0": [],
        "2.15.0": [],
        "3.5.0": [],
    },
    "numpy": {"1.18.5": [], "1.26.3": [], "1.26.4": [], "2.0.2": [], "2.1.0": []},
    "reader": {"1.0": ["numpy"], "2.0": ["numpy>=2"]},
    "viewer": {"1.0": ["reader>=2"], "0.9": []},
    "bystander": {"1.0": [], "2.0": []},
}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name, versions in RELEASES.items():
        for version, requires in versions.items():
            build_wheel(folder, name, version, requires=requires)
    return folder


Cure = Callable[..., list[Plan]]


@pytest.fixture
def cure(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cure:
    """Give what plans an environment of ``name==version`` words; the rules are the shipped ones."""
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(wheels.parent / "uv"))
    settings = IndexSettings(no_index=True, find_links=(wheels.as_uri(),))

    def found(
        *pins: str, first: int = 1, keep: str = "", allow: str = "", **more: object
    ) -> list[Plan]:
        packages = {
            canonicalize_name(name): Version(version)
            for name, _, version in (pin.partition("==") for pin in pins)
        }
        goal = target_on(find_interpreter(None).platform, PYTHON)
        rules = database.load().rules
        situation = Situation.of(goal)
        case = Complaint(
            packages=packages,
            target=goal,
            situation=situation,
            rules=rules,
            settings=settings,
            requires={
                name: tuple(map(Requirement, RELEASES[name][str(version)]))
                for name, version in packages.items()
            },
            broken=_broken(rules, packages, situation),
            keep=frozenset(map(canonicalize_name, keep.split())),
            allow=frozenset(map(canonicalize_name, allow.split())),
            **more,  # type: ignore[arg-type]
        )
        return list(islice(plans(case, tools_for(settings, EngineName.UV, Silent())), first))

    return found


def _broken(
    rules: Iterable[Rule], packages: Mapping[NormalizedName, Version], situation: Situation
) -> tuple[Violation, ...]:
    found = violations(rules, packages, situation)
    return tuple(v for v in found if v.rule.severity is Severity.BREAKS and v.case.demands)
