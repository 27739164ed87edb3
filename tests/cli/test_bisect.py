"""`envlock bisect`: two sets of pins become the few changes that break something."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from envlock.evidence.documents import render
from envlock.evidence.values import CellEvidence
from envlock.probes.keras_h5 import KERAS_H5
from envlock.targets.interpreters import available
from support.distributions import build_sdist, build_wheel
from support.evidence import CELL, package, proved
from support.framework import build_framework
from support.patients import REFUSES_NUMPY_2, make_patient
from support.program import Done, Program, make_program, said
from support.simple_index import SimpleIndex

NEUTRAL = ("alpha", "beta", "delta", "gamma")
IMPORTS = ("--run", "python -c 'import engine'")

#: Does not work with gear 3 and later.
ENGINE_1 = "import gear\nif int(gear.__version__[0]) >= 3: raise ValueError('gear too new')\n"
#: Does not work with gear 2 and oil 2; with one of the two, and a new alpha, it fails otherwise.
ENGINE_2 = """\
import alpha, gear, oil
new = [each.__version__[0] == '2' for each in (gear, oil)]
if all(new): raise RuntimeError('the two do not mix')
if any(new) and alpha.__version__[0] != '1': raise KeyError('an old alpha is wanted')
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages in releases 1 to 4, engines that are choosy, and a TensorFlow of a few lines."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in (*NEUTRAL, "gear", "oil"):
        for major in range(1, 5):
            build_wheel(folder, name, f"{major}.0")
    for version, source in (("1.0", ENGINE_1), ("2.0", ENGINE_2)):
        build_wheel(folder, "engine", version, requires=["gear"], files={"engine.py": source})
    for version, source in (
        ("1.0", ""),
        ("2.0", "import oil\nraise KeyError('cold')"),
        ("3.0", "import oil\nraise ValueError('it is hot')"),
    ):
        needs = ["oil"] if source else []
        build_wheel(folder, "turbine", version, requires=needs, files={"turbine.py": source})
    build_framework(folder, first=REFUSES_NUMPY_2)
    return folder


@pytest.fixture
def index(wheels: Path) -> Iterator[SimpleIndex]:
    with SimpleIndex(wheels) as served:
        yield served


@pytest.fixture
def envlock(tmp_path: Path, index: SimpleIndex) -> Iterator[Program]:
    program = make_program(tmp_path).with_env(PIP_INDEX_URL=index.url)
    yield program
    assert list(program.cache.glob("bisect/trial-*")) == []


def write(program: Program, name: str, **pins: str) -> None:
    lines = [f"{package}=={version}\n" for package, version in pins.items()]
    (program.here / name).write_text("".join(lines))


def neutral(version: str) -> dict[str, str]:
    return dict.fromkeys(NEUTRAL, version)


@pytest.fixture
def gears(envlock: Program) -> Program:
    """Two sets of which the second has a gear that is too new."""
    write(envlock, "good.txt", **neutral("1.0"), engine="1.0", gear="1.0", oil="1.0")
    write(envlock, "bad.txt", **neutral("2.0"), engine="1.0", gear="4.0", oil="2.0")
    return envlock


def timeless(text: str) -> str:
    """Replace what the clock and this machine put into an answer."""
    text = re.sub(r"\b\d+\.\d+ s", "N s", re.sub(r"\d{4}-\d\d-\d\d", "TODAY", text))
    return re.sub(r"\b3\.\d+\.\d+\b", "3.N.N", text)


def culprits(done: Done) -> list[tuple[str, str | None, str | None]]:
    assert done.code == 0, done.err
    return [(each["package"], each["good"], each["bad"]) for each in done.data["culprits"]]


def test_the_change_that_breaks_is_told_with_a_draft_of_a_rule(
    gears: Program, index: SimpleIndex
) -> None:
    done = gears("bisect", "good.txt", "bad.txt", *IMPORTS)
    assert (done.code, done.err) == (0, "")
    assert timeless(done.out) == timeless(said(ANSWER, gears, index))


ANSWER = """\
culprit  gear 1.0 → 4.0
fails    run: ValueError: gear too new
of       6 differences between good.txt and bad.txt
python   3.11.1
trials   3 in 1.0 s: 2 failed, 1 passed

---
id: draft-gear-4-0-use-engine
title: engine 1.0 fails when used with gear 4.0
when:
  engine: ==1.0
require:
  gear: <4.0
stage: use
severity: breaks
because: 'engine 1.0 fails when used after gear 1.0 → 4.0: ValueError: gear too new'
symptoms:
- 'ValueError: gear too new'
metadata: 'no'
metadata-note: engine 1.0 declares gear.
remedy:
- install: gear<4.0
evidence:
- how: ran
  what: 'On CPython 3.11.1, {platform}: gear 1.0 passes and 4.0 fails, the other 6 packages as they
    were: ValueError: gear too new. Releases between the two were not tried.'
  checked: '2026-01-01'
examples:
  refuses:
  - packages:
      engine: '1.0'
      gear: '4.0'
    python: '{minor}'
  admits:
  - packages:
      engine: '1.0'
      gear: '1.0'
    python: '{minor}'
  matches:
  - 'ValueError: gear too new'
"""


def test_the_first_release_that_fails_is_found_and_the_rule_is_sound(gears: Program) -> None:
    (gears.here / "rules").mkdir()
    done = gears("bisect", "good.txt", "bad.txt", *IMPORTS, "--narrow", "-o", "rules/draft.yaml")
    assert timeless(done.out).splitlines() == [
        "culprit  gear 1.0 → 4.0",
        "fails    run: ValueError: gear too new",
        "begins   gear 2.0 works, 3.0 fails",
        "of       6 differences between good.txt and bad.txt",
        "python   3.N.N",
        "trials   5 in N s: 3 failed, 2 passed",
        "written  rules/draft.yaml",
        "next     envlock rules check rules",
    ]
    assert "require:\n  gear: <3.0\n" in (gears.here / "rules" / "draft.yaml").read_text()
    assert gears("rules", "check", "rules").out == "1 rule, all sound\n"
    again = gears("bisect", "good.txt", "bad.txt", *IMPORTS, "-o", "rules/draft.yaml")
    assert again.err == (
        "error: -o rules/draft.yaml: it is there already, and is left as it is\n"
        "  try: envlock bisect good.txt bad.txt --run 'python -c '\"'\"'import engine'\"'\"''"
        " -o OTHER.yaml\n"
    )
    assert again.code == 2


def test_two_that_fail_only_together_are_found_though_much_cannot_be_judged(
    envlock: Program,
) -> None:
    write(envlock, "good.txt", **neutral("1.0"), engine="2.0", gear="1.0", oil="1.0")
    write(envlock, "bad.txt", **neutral("2.0"), engine="2.0", gear="2.0", oil="2.0")
    done = envlock("bisect", "good.txt", "bad.txt", *IMPORTS, "--json", "-o", "rule.yaml")
    assert culprits(done) == [("gear", "1.0", "2.0"), ("oil", "1.0", "2.0")]
    assert {each["verdict"] for each in done.data["trials"]} == {"fails", "passes", "unresolved"}
    rule = done.data["rule"]
    assert rule["when"] == {"engine": "==2.0", "oil": ">=2.0"}
    assert rule["require"] == {"gear": "<2.0"}
    assert envlock("rules", "check", ".").code == 0


def test_what_a_culprit_needs_comes_along_and_is_not_blamed(envlock: Program) -> None:
    """Turbine 3 and 2 do not work, each in its way; both declare the oil that 1 did without."""
    write(envlock, "good.txt", **neutral("1.0"), turbine="1.0")
    write(envlock, "bad.txt", **neutral("2.0"), turbine="3.0", oil="2.0")
    words = ("bisect", "good.txt", "bad.txt", "--run", "python -c 'import turbine'", "--narrow")
    done = envlock(*words, "-o", "rule.yaml")
    assert done.out.splitlines()[:4] == [
        "culprit  turbine 1.0 → 3.0",
        "with     install oil 2.0, which it needs",
        "fails    run: ValueError: it is hot",
        "begins   turbine 1.0 works, 3.0 fails; unresolved: 2.0",
    ]
    rule = yaml.safe_load((envlock.here / "rule.yaml").read_text())
    assert rule["require"] == {"turbine": "<3.0"}
    (evidence,) = rule["evidence"]
    assert evidence["what"].partition(": ")[2] == (
        "turbine 1.0 passes and 3.0 fails, with oil 2.0 that it needs, the other 4 packages as they"
        " were: ValueError: it is hot. Fails otherwise, or cannot be tried: turbine 2.0."
    )
    assert envlock("rules", "check", ".").code == 0


def test_each_trial_is_told_when_verbose(gears: Program) -> None:
    (gears.here / "judge.py").write_text("import engine\n")
    done = gears("bisect", "good.txt", "bad.txt", "--probe", "judge.py", "-v")
    table = re.sub(r"\d+\.\d  ", "N  ", done.out).partition("TRIAL")[2].partition("\n\n")[0]
    assert table.splitlines() == [
        "  SECONDS  VERDICT  CHANGED",
        *("1      N      passes   nothing of good.txt",),
        *("2      N      fails    alpha 1.0 → 2.0, beta 1.0 → 2.0, delta 1.0 → 2.0 and 3 more",),
        *("3      N      fails    gear 1.0 → 4.0",),
    ]
    assert "trial 3: gear 1.0 → 4.0 …\n" in done.err


def test_the_gate_tells_good_from_bad_when_nothing_else_is_said(envlock: Program) -> None:
    """The good set is an environment, the bad one what pip freeze prints of another."""
    good = make_patient(envlock, "tensorflow==2.15.1", "numpy==1.26.4", "h5py==3.10.0")
    before = sorted(good.rglob("*"))
    write(envlock, "freeze.txt", h5py="3.11.0", numpy="2.0.2", tensorflow="2.15.1")
    done = envlock("bisect", "env", "freeze.txt", "--json")
    assert culprits(done) == [("numpy", "1.26.4", "2.0.2")]
    assert done.data["failure"] == {"level": "import", "error": "ImportError", "message": "numpy 2"}
    rule = done.data["rule"]
    assert (rule["when"], rule["require"]) == ({"tensorflow": "==2.15.1"}, {"numpy": "<2.0.2"})
    assert rule["metadata"] == "yes"
    assert rule["metadata-note"] == "tensorflow 2.15.1 declares numpy<2.0.0,>=1.23.5."
    assert sorted(good.rglob("*")) == before


def test_a_level_that_is_not_reached_is_judged_by_what_is_in_its_way(envlock: Program) -> None:
    write(envlock, "good.txt", tensorflow="2.15.1", numpy="1.26.4", h5py="3.10.0")
    write(envlock, "bad.txt", tensorflow="2.15.1", numpy="2.0.2", h5py="3.11.0")
    done = envlock("bisect", "good.txt", "bad.txt", "--level", "resume", "--json")
    assert culprits(done) == [("numpy", "1.26.4", "2.0.2")]
    assert done.data["failure"]["level"] == "import"


def test_what_is_missing_or_added_is_a_change_too(envlock: Program) -> None:
    write(envlock, "good.txt", **neutral("1.0"), oil="1.0")
    write(envlock, "bad.txt", **neutral("2.0"), gear="1.0")
    missing = envlock(
        "bisect", "good.txt", "bad.txt", "--run", "python -c 'import oil'", "--json", "-o", "a.yaml"
    )
    assert culprits(missing) == [("oil", "1.0", None)]
    assert missing.data["rule"]["include"] == {"oil": ""}
    refusing = 'python -c \'import importlib.util as u; assert not u.find_spec("gear"), "gear"\''
    added = envlock("bisect", "good.txt", "bad.txt", "--run", refusing, "--json", "-o", "b.yaml")
    assert culprits(added) == [("gear", None, "1.0")]
    assert added.data["rule"]["refuse"] == {"gear": "==1.0"}
    assert envlock("rules", "check", ".").code == 0


def test_two_sets_of_a_cell_of_evidence_are_taken(envlock: Program) -> None:
    """As a run of the matrix leaves them: what the rules give works, a plain resolve does not."""
    good = (package("tensorflow", "2.15.1"), package("h5py", "3.11.0"), package("numpy", "1.26.4"))
    bad = (*good[:2], package("numpy", "2.0.2"))
    sets = (proved("rules", *good), proved("plain", *bad, outcomes=()))
    cell = replace(CELL, python=".".join(map(str, sys.version_info[:2])))
    text = render(CellEvidence(cell=cell, sets=sets))
    (envlock.here / "cell.json").write_text(text)
    done = envlock("bisect", "cell.json", "cell.json#plain", "--json")
    assert culprits(done) == [("numpy", "1.26.4", "2.0.2")]
    absent = envlock("bisect", "cell.json", "cell.json#h5py 3.1")
    assert absent.err == (
        "error: cell.json: no set of pins called 'h5py 3.1'; it has rules, plain\n"
        "  try: cell.json#rules\n"
    )
    assert absent.code == 2


def test_a_release_that_cannot_be_installed_is_passed_over(
    gears: Program, index: SimpleIndex, tmp_path: Path
) -> None:
    """Of gear 2 the index has only a source, and it cannot be built."""
    index.folder = Path(shutil.copytree(index.folder, tmp_path / "copy"))
    (index.folder / "gear-2.0-py3-none-any.whl").unlink()
    build_sdist(index.folder, "gear", "2.0", backend="raise SystemExit('no compiler')")
    done = gears("bisect", "good.txt", "bad.txt", *IMPORTS, "--narrow", "--json")
    assert [(e["good"], e["bad"]) for e in done.data["narrowed"]] == [("1.0", "3.0")]
    (failed,) = [each for each in done.data["trials"] if each["verdict"] == "unresolved"]
    assert failed["failures"][0]["level"] == "install"


REFUSALS = """\
1 bad.txt good.txt --run 'python -c "import engine"'
error: bad.txt was given as good and does not pass: run: ValueError: gear too new
  try: envlock diagnose bad.txt

1 good.txt good2.txt --run 'python -c "import engine"'
error: good2.txt was given as bad and passes, with Python 3.N.N: there is nothing to find

1 good.txt good.txt
error: good.txt and good.txt pin the same versions: there is nothing to find

2 good.txt bad.txt
error: neither set has TensorFlow or h5py, so the probes have nothing to try
  try: envlock bisect good.txt bad.txt --run COMMAND
  try: envlock bisect good.txt bad.txt --probe FILE

2 good.txt bad.txt --run 'absent a'
error: --run 'absent a': there is no such program in the environment, nor on PATH

2 good.txt bad.txt --level load --run 'python a.py'
error: --run and --level: one thing tells good from bad; give one of them

2 good.txt bad.txt --level swim
error: --level swim: no such level; there are {levels}
  try: envlock bisect good.txt bad.txt --level load

2 good.txt bad.txt --probe absent.py
error: --probe absent.py: no such file

2 good.txt loose.txt --level load
error: loose.txt: alpha, beta: no exact version (name==version)
  try: envlock lock -r loose.txt

2 good.txt absent.txt --level load
error: absent.txt: no such file

2 good.txt prose.txt --level load
error: prose.txt: no pins in it; a lock, the output of pip freeze, requirements with == or an \
environment is needed
"""


@pytest.mark.parametrize("refusal", REFUSALS.split("\n\n"))
def test_what_cannot_be_searched_is_told(gears: Program, refusal: str) -> None:
    write(gears, "good2.txt", **neutral("3.0"), engine="1.0", gear="2.0", oil="1.0")
    (gears.here / "loose.txt").write_text("alpha\nbeta>=2\ngear==1.0\n")
    (gears.here / "prose.txt").write_text("It does not work.\nI do not know why it does not.\n")
    first, _, message = refusal.partition("\n")
    code, *words = shlex.split(first)
    done = gears("bisect", *words)
    levels = ", ".join(level.name for level in KERAS_H5.levels)
    assert timeless(done.err).strip() == message.format(levels=levels).strip()
    assert (done.code, done.out) == (int(code), "")


def test_a_set_that_cannot_be_built_is_told(gears: Program) -> None:
    write(gears, "unknown.txt", alpha="9.0")
    done = gears("bisect", "good.txt", "unknown.txt", *IMPORTS)
    assert done.err.startswith(
        "error: unknown.txt, the bad set, cannot be built: the packages could not be installed in"
        " a scratch environment\n"
    )
    assert "there is no version of alpha==9.0" in done.err
    assert done.code == 4


def test_sets_for_two_pythons_are_refused(envlock: Program) -> None:
    for name, minor in (("good.txt", "3.10"), ("bad.txt", "3.11")):
        lines = f"# made by: envlock lock\n# python {minor} on linux-x86_64\nalpha=={minor}\n"
        (envlock.here / name).write_text(lines)
    done = envlock("bisect", "good.txt", "bad.txt", *IMPORTS)
    assert done.err == (
        "error: good.txt is for Python 3.10 and bad.txt for 3.11: both are tried with one Python,"
        " so that only packages differ\n"
        "  try: envlock bisect good.txt bad.txt --run 'python -c '\"'\"'import engine'\"'\"''"
        " --python 3.10\n"
        "  try: envlock bisect good.txt bad.txt --run 'python -c '\"'\"'import engine'\"'\"''"
        " --python 3.11\n"
    )
    assert done.code == 2


def test_an_index_that_goes_away_ends_the_search(gears: Program, index: SimpleIndex) -> None:
    index.status, index.where = 403, "/files/gear-4"
    done = gears("bisect", "good.txt", "bad.txt", *IMPORTS)
    assert done.code == 4
    assert done.err.startswith("error: the packages for a scratch environment could not be fetched")


def test_sets_without_what_their_packages_need_are_closed_and_that_is_told(
    envlock: Program,
) -> None:
    write(envlock, "good.txt", turbine="1.0", alpha="1.0")
    write(envlock, "bad.txt", turbine="2.0", alpha="1.0")
    done = envlock("bisect", "good.txt", "bad.txt", "--run", "python -c 'import turbine'", "--json")
    assert done.err == ("bad.txt lacks 1 package that its own need: added as of now, oil 4.0\n")
    assert [each["package"] for each in done.data["culprits"]] == ["oil", "turbine"]
    assert done.data["companions"] == ["oil"]
    assert done.data["failure"]["error"] == "KeyError"


def test_sets_are_closed_as_of_their_own_day(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "oil", "5.0", files={"oil.py": ""})
    days = {"oil-5.0": "2024-01-01"}
    index.upload_times = {
        path.name: f"{days.get('-'.join(path.name.split('-')[:2]), '2020-03-01')}T00:00:00Z"
        for path in index.folder.iterdir()
    }
    write(envlock, "good.txt", turbine="1.0", alpha="1.0")
    write(envlock, "bad.txt", turbine="2.0", alpha="1.0")
    done = envlock("bisect", "good.txt", "bad.txt", "--run", "python -c 'import turbine'")
    assert "added as of 2020-03-02, oil 4.0\n" in done.err, done


def test_a_set_for_another_python_names_it(
    envlock: Program, index: SimpleIndex, tmp_path: Path
) -> None:
    own = sys.version_info[:2]
    others = (each.version.release[:2] for each in available() if each.version.minor > 7)
    other = next((each for each in others if each != own), None)
    if other is None:
        pytest.skip("there is one Python here")
    index.folder = Path(shutil.copytree(index.folder, tmp_path / "copy"))
    build_wheel(index.folder, "bound", "1.0", tag=f"cp{other[0]}{other[1]}-none-any")
    write(envlock, "good.txt", bound="1.0", alpha="1.0")
    write(envlock, "bad.txt", bound="1.0", alpha="2.0")
    done = envlock("bisect", "good.txt", "bad.txt", "--run", "python -c 1")
    assert "cannot be built" in done.err
    assert done.err.endswith(f" --python {other[0]}.{other[1]}\n")
