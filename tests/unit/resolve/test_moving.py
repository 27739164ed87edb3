"""A pin that is moved without an engine: where metadata shows that all others may stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.engine import Problem, Solution
from envlock.model import DistributionFile, IndexSettings, LockedPackage
from envlock.progress import Silent
from envlock.resolve.loop import candidates_for, search
from envlock.resolve.moving import moved
from envlock.resolve.question import Tools
from support.rules import TARGET, rule
from support.scripted import Pages, Scripted, question, wheels

PAGES: Pages = {
    "tensorflow": wheels("tensorflow", "2.3"),
    "app": wheels("app", "1.0"),
    "lib": wheels("lib", "1.0 1.5 1.9rc1 2.0"),
    "base": wheels("base", "3.0"),
}
PINS = (
    LockedPackage(name=canonicalize_name("app"), version=Version("1.0")),
    LockedPackage(name=canonicalize_name("base"), version=Version("3.0"), via=("lib",)),
    LockedPackage(name=canonicalize_name("lib"), version=Version("2.0"), via=("app",)),
)
#: What the wheels declare: by default the new release needs what the old one did.
NEEDS = {"app-1.0": ["lib>=1", "tool; extra == 'more'"], "lib-1.5": ["base>=2"]}


def told(needs: Mapping[str, Iterable[str]]) -> Any:
    """Return a reader that knows the releases in ``needs``."""

    def read(files: Iterable[DistributionFile]) -> dict[str, tuple[str, ...]]:
        known = {file.filename: file.filename.split("-py3")[0] for file in files}
        return {name: tuple(needs[each]) for name, each in known.items() if each in needs}

    return read


def move(
    needs: Mapping[str, Iterable[str]],
    *bounds: str,
    pages: Pages = PAGES,
    names: Iterable[str] = ("lib",),
    pins: tuple[LockedPackage, ...] = PINS,
    **more: Any,
) -> dict[str, str] | None:
    """Return the pins after some were to move within bounds."""
    problem = Problem(
        **{
            "requirements": ("app",),
            "constraints": bounds,
            "target": TARGET,
            "settings": IndexSettings(),
            **more,
        }
    )
    tools = Tools(
        engine=Scripted(lambda *_: {}),
        releases=lambda name: pages[name],
        progress=Silent(),
        needs=told(needs),
    )
    listed = {package.name: pages[package.name][package.version] for package in pins}
    moving = map(canonicalize_name, names)
    found = moved(problem, Solution(packages=pins), moving, listed, tools)
    return None if found is None else {each.name: str(each.version) for each in found.packages}


def test_a_pin_moves_to_the_newest_release_that_all_admit() -> None:
    assert move(NEEDS, "lib<2") == {"app": "1.0", "base": "3.0", "lib": "1.5"}
    older = {**NEEDS, "app-1.0": ["lib>=1,<1.5"], "lib-1.0": ["base"]}
    assert move(older, "lib<2") == {"app": "1.0", "base": "3.0", "lib": "1.0"}


@pytest.mark.parametrize(
    ("needs", "more"),
    [
        pytest.param({**NEEDS, "lib-1.5": ["base<3"]}, {}, id="needs an older neighbour"),
        pytest.param({**NEEDS, "lib-1.5": ["base", "new"]}, {}, id="needs one more"),
        pytest.param({**NEEDS, "lib-1.5": []}, {}, id="leaves a neighbour over"),
        pytest.param({**NEEDS, "lib-1.5": ["base[x]"]}, {}, id="needs an extra"),
        pytest.param({**NEEDS, "app-1.0": ["lib[x]>=1"]}, {}, id="is needed with an extra"),
        pytest.param(
            {**NEEDS, "app-1.0": ["lib>=1", "lib<1.2; extra == 'old'"]},
            {},
            id="an extra speaks of it",
        ),
        pytest.param({**NEEDS, "app-1.0": ["lib @ https://x/lib.whl"]}, {}, id="is held to a file"),
        pytest.param({"app-1.0": NEEDS["app-1.0"]}, {}, id="says nothing of itself"),
        pytest.param({"lib-1.5": NEEDS["lib-1.5"]}, {}, id="who asked says nothing"),
        pytest.param({**NEEDS, "app-1.0": ["other"]}, {}, id="who asked does not speak of it"),
        pytest.param({**NEEDS, "app-1.0": ["lib>=2"]}, {}, id="nothing is admitted"),
        pytest.param(NEEDS, {"preferences": {PINS[2].name: Version("1.0")}}, id="is preferred"),
        pytest.param(NEEDS, {"requirements": ("app", "lib[x]")}, id="is asked for with an extra"),
    ],
)
def test_what_is_less_plain_is_left_to_the_engine(
    needs: dict[str, list[str]], more: dict[str, Any]
) -> None:
    assert move(needs, "lib<2", **more) is None


def test_two_that_belong_together_move_together() -> None:
    bounds = ("lib<2", "base<3")
    pages = {**PAGES, "base": wheels("base", "2.0 3.0")}
    both = {**NEEDS, "lib-1.5": ["base==2.0"], "base-2.0": []}
    found = {"app": "1.0", "base": "2.0", "lib": "1.5"}
    for names in (("lib", "base"), ("base", "lib")):
        assert move(both, *bounds, pages=pages, names=names) == found
    ring = {**both, "base-2.0": ["lib==1.5"]}
    pins = (PINS[0], replace(PINS[1]), replace(PINS[2], via=("app", "base")))
    assert move(ring, *bounds, pages=pages, names=("lib", "base"), pins=pins) is None


@pytest.mark.parametrize("demand", ["require", "include"])
def test_a_bound_that_one_pin_breaks_costs_no_second_solve(demand: str) -> None:
    document: dict[str, Any] = {"when": {"alpha": ">=2"}, demand: {"beta": "<2"}}
    noisy = rule(severity="degrades", **document)
    pages = {**PAGES, "alpha": wheels("alpha", "2.0"), "beta": wheels("beta", "1.0 2.0")}
    engine = Scripted(lambda *_: {"alpha": "2.0", "beta": "2.0"})
    asked = question("tensorflow", "alpha", "beta", rules=[noisy])
    tools = Tools(
        engine=engine,
        releases=lambda name: pages[name],
        pinned=lambda pins: {name: pages[name][version] for name, version in pins.items()},
        progress=Silent(),
        needs=told({"beta-1.0": []}),
    )
    settled, _ = search(asked, candidates_for(asked, tools), tools)
    assert settled is not None
    assert "beta 1.0" in {f"{each.name} {each.version}" for each in settled.packages}
    assert [(each.package, each.rules) for each in settled.constraints] == [("beta", (noisy.id,))]
    assert engine.asked == ["2.3"]
