"""pip-tools and uv give one answer, word for word, over the scenarios of packse.

Where pip and uv themselves differ, or both from what packse expects of uv, envlock
has decided once; `DECIDED` says how.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES
from envlock.errors import ExitCode
from support.engines import use_fresh_caches
from support.packse import PACKSE, answer, minor, pins_of, place, scenario
from support.scenarios import Asking, goal, run, served

_PRE = "pre-releases count where nothing else meets a bound, also of what others need (PEP 440)"
_FINAL = "a final release goes before a pre-release that a bound names"
_OPTION = "the scenario sets an option of uv's that is not part of the request"
_UPPER = "an upper bound of Requires-Python counts, as pip has it"
_PATCH = "a Python is named by its minor"
#: Scenarios that come out otherwise than packse expects, and why.
DECIDED = {
    "package-only-prereleases-in-range": _PRE,
    "transitive-package-only-prereleases-in-range": _PRE,
    "transitive-prerelease-and-stable-dependency": _PRE,
    "transitive-prerelease-and-stable-dependency-many-versions": _PRE,
    "transitive-prerelease-and-stable-dependency-many-versions-holes": _PRE,
    "package-prerelease-specified-mixed-available": _FINAL,
    "package-prereleases-specifier-boundary": _FINAL,
    "no-wheels-no-build": _OPTION,
    "only-wheels-no-binary": _OPTION,
    "python-less-than-current": _UPPER,
    "python-patch-override-no-patch": _PATCH,
}


def _cases() -> Iterator[Any]:
    """All scenarios; those that are refused or yanked here and now, the rest by night."""
    for name, said in PACKSE.items():
        releases = [each for every in said["index"].values() for each in every.values()]
        words = said["expected"] is None or any("yanked" in each for each in releases)
        quick = words and not said.get("universal") and minor(name) in {"", goal().minor}
        marks = [pytest.mark.network, *([] if quick else [pytest.mark.nightly])]
        yield pytest.param(name, id=name, marks=marks)


@pytest.mark.parametrize("name", list(_cases()))
def test_both_engines_give_one_answer(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    use_fresh_caches(monkeypatch, tmp_path_factory)
    monkeypatch.chdir(tmp_path)
    on = place(name)
    if on is None:
        pytest.skip(f"no Python {minor(name)} here")
    with served(scenario(name), tmp_path / "files") as index:
        by_uv = answer(name, ENGINES[EngineName.UV](), index, on)
        by_pip = answer(name, ENGINES[EngineName.PIPTOOLS](), index, on)
    assert by_pip == by_uv
    if isinstance(by_uv, str):
        assert not by_uv.startswith(f"exit {ExitCode.WORK.value}:")
        assert not any(word in by_uv for word in ("Impossible", "Caused by", "\u00d7", "\u2570"))
    if name not in DECIDED:
        assert _as_expected(name, pins_of(by_uv))


def _as_expected(name: str, pins: dict[str, str] | None) -> bool:
    """Whether pins are what packse expects, of what is for one platform and says so."""
    said = PACKSE[name]
    if said.get("universal"):
        return True
    if said["expected"] == {}:  # no more than that there is an answer
        return pins is not None
    return bool(pins == said["expected"])


#: What a refusal says of the index, as a fact of it: name and version.
_NEWEST = re.compile(r"the newest ([\w-]+) is ([\w.+!]+)")
_NOWHERE = re.compile(r"there is no package ([\w-]+) on")
_NOT_FOR = re.compile(r"because ([\w-]+) ([\w.+!]+) (?:is for Python|has no wheel)")
_NONE = re.compile(r"there is no ([\w-]+)((?:[<>=!~]+[\w.*+!,]+)+):")


def _refused_here() -> Iterator[Any]:
    """The scenarios without an answer for the Python that is here."""
    for name, said in PACKSE.items():
        if said["expected"] is None and minor(name) in {"", goal().minor}:
            yield pytest.param(name, id=name)


@pytest.mark.parametrize("name", list(_refused_here()))
def test_a_refusal_says_what_the_index_has_and_what_it_says_to_type_works(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    use_fresh_caches(monkeypatch, tmp_path_factory)
    monkeypatch.chdir(tmp_path)
    engine = ENGINES[EngineName.UV]()
    with served(scenario(name), tmp_path / "files") as index:
        told = answer(name, engine, index, goal())
        if not isinstance(told, str):
            return
        _true_of(told, {n: [*map(Version, each)] for n, each in PACKSE[name]["index"].items()})
        for way in re.findall(r"^  try: (envlock .*)$", told, re.MULTILINE):
            if f"--python {goal().minor}" in way:
                assert run(scenario(name), Asking.typed(way), engine, index).packages
        for line, old, new in re.findall(r"in \S+:(\d+), change (\S+) to (\S+)", told):
            lines = Path("requirements.in").read_text(encoding="utf-8").splitlines()
            assert Requirement(old) == Requirement(lines[int(line) - 1])
            lines[int(line) - 1] = new
            Path("changed.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
            asked = Asking(requirements=("changed.in",))
            assert run(scenario(name), asked, engine, index).packages


def _true_of(told: str, there: Mapping[str, list[Version]]) -> None:
    for name, version in _NEWEST.findall(told):
        finals = [each for each in there[name] if not each.is_prerelease]
        assert Version(version) == max(finals or there[name])
    for name in _NOWHERE.findall(told):
        assert name not in there
    for name, version in _NOT_FOR.findall(told):
        assert Version(version) in there[name]
    for name, bounds in _NONE.findall(told):
        assert not [*SpecifierSet(bounds).filter(there[name], prereleases=True)]
