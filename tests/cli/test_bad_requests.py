"""Requests that cannot be met or understood: what is said, the exit code, and nothing changed."""

from dataclasses import dataclass, field

import pytest

from support.framework import build_framework
from support.program import Program, said, snapshot
from support.simple_index import SimpleIndex

NAMES = (
    "a lock is named NAME.txt or requirements.lock (requirements),"
    " pylock.toml or pylock.NAME.toml (pylock), NAME.yml (environment),"
    " conda-PLATFORM.lock (explicit), conda-lock.yml (conda-lock), pixi.lock (pixi)"
)
SETTINGS = (
    "engine, rules, evidence, python, accelerator, format, platform, exclude-newer,"
    " index-url, extra-index-url, find-links, index-strategy, offline, sources,"
    " requirements, constraints, extras, groups, all-extras, no-extra, all-groups, no-group,"
    " needs, no-imports, allow-build, fresh, universal, manager, channels, env, inexact, no-pip,"
    " output, image, base, base-digest, base-freeze, label, no-verify"
)


@dataclass(frozen=True, kw_only=True)
class Bad:
    """What is typed in a folder with these files, and all that is said."""

    words: str
    code: int
    said: str
    files: dict[str, str | bytes] = field(default_factory=dict)


CASES = {
    "an unknown package": Bad(
        words="lock tensorfow",
        code=3,
        said="error: no versions satisfy tensorfow on Python {minor} ({platform})\n"
        "  because there is no package tensorfow on {index}; did you mean tensorflow?\n",
    ),
    "no such version": Bad(
        words="create tensorflow==2.99",
        code=3,
        said="error: no versions satisfy tensorflow==2.99 on Python {minor} ({platform})\n"
        "  because there is no tensorflow==2.99: the newest tensorflow is 2.15.1\n"
        '  try: envlock create "tensorflow==2.15.1" --python {minor}\n',
    ),
    "malformed words": Bad(
        words="lock tensorflow=2.15 h5py<",
        code=2,
        said='error: "tensorflow=2.15" is not a requirement:'
        ' pip writes "==" for conda\'s "=" (character 11)\n'
        '"h5py<" is not a requirement: no version follows the operator (character 5)\n'
        '  try: write "tensorflow==2.15.*"\n'
        '  try: write "h5py"\n',
    ),
    "a malformed line": Bad(
        words="lock -r wanted.in",
        files={"wanted.in": "# what we need\n\ntensorflow\nh5py >= \n"},
        code=2,
        said='error: wanted.in:4: "h5py >=" is not a requirement:'
        " no version follows the operator (character 6)\n"
        '  try: write "h5py"\n',
    ),
    "an option for a build": Bad(
        words="lock -r wanted.in",
        files={"wanted.in": "numpy --global-option=x\n"},
        code=2,
        said='error: wanted.in:1: "numpy" carries the option "--global-option x":'
        " a requirement passes none to pip\n"
        '  try: remove "--global-option x"\n',
    ),
    "an include cycle": Bad(
        words="create -r one.in",
        files={"one.in": "tensorflow\n-r two.in\n", "two.in": "-r one.in\n"},
        code=2,
        said="error: two.in:1: an include cycle: one.in -> two.in -> one.in\n"
        "  try: remove this line\n",
    ),
    "an include outside the project": Bad(
        words="lock -r wanted.in",
        files={"wanted.in": "-r ../secret.txt\n"},
        code=2,
        said='error: wanted.in:1: "../secret.txt" is outside the project {here}:'
        " it is not included\n"
        "  try: copy it into {here} and include that file\n",
    ),
    "a file of another kind, whatever it is called": Bad(
        words="lock -r wanted.txt",
        files={"wanted.txt": "@EXPLICIT\nhttps://conda.invalid/x/noarch/a-1.0-0.conda\n"},
        code=2,
        said='error: "wanted.txt" is not understood here: it is an explicit list of conda packages,'
        " and envlock reads requirements files (*.txt, *.in), pyproject.toml, Pipfile, setup.cfg"
        " and setup.py\n"
        "  try: write what you need from it into requirements.in: -r requirements.in\n",
    ),
    "a file that is not for fix": Bad(
        words="fix PYPROJECT.TOML",
        files={"PYPROJECT.TOML": '[project]\nname = "x"\ndependencies = []\n'},
        code=2,
        said="error: PYPROJECT.TOML is a pyproject.toml: fix changes requirements files,"
        " environment.yml and environments\n"
        "  try: envlock diagnose PYPROJECT.TOML\n",
    ),
    "a file in capitals among the words": Bad(
        words="lock REQS.TXT",
        files={"REQS.TXT": "h5py\n"},
        code=2,
        said='error: "REQS.TXT" is a file, not a requirement\n  try: did you mean -r REQS.TXT\n',
    ),
    "a missing file": Bad(words="lock -r none.in", code=2, said="error: none.in: no such file\n"),
    "a file that is not UTF-8": Bad(
        words="lock -r wanted.in",
        files={"wanted.in": b"tensorflow # caf\xe9\n"},
        code=2,
        said="error: wanted.in: not UTF-8 text (byte 16 is 0xe9)\n  try: save wanted.in as UTF-8\n",
    ),
    "an extra without a project": Bad(
        words="lock --extra gpu",
        code=2,
        said="error: --extra gpu is of a pyproject.toml, and none is read\n"
        "  try: envlock lock --extra gpu -r pyproject.toml\n",
    ),
    "an extra that is not there": Bad(
        words="lock -r pyproject.toml --extra gpu",
        files={"pyproject.toml": '[project]\nname = "x"\ndependencies = []\n'},
        code=2,
        said='error: pyproject.toml: there is no extra "gpu" in project.optional-dependencies\n'
        "  try: there are: none\n",
    ),
    "bad settings": Bad(
        words="lock",
        files={"pyproject.toml": '[tool.envlock]\nengine = "pipenv"\nnope = 1\n'},
        code=2,
        said='error: {here}/pyproject.toml: tool.envlock.engine: "pipenv" is not one of'
        " pip-tools, uv\n"
        "{here}/pyproject.toml: tool.envlock.nope: there is no such setting;"
        f" there are {SETTINGS}\n"
        "  try: {here}/pyproject.toml: tool.envlock.engine: write one of pip-tools, uv\n"
        "  try: {here}/pyproject.toml: tool.envlock.nope: remove nope\n",
    ),
    "a pyproject.toml that is not TOML": Bad(
        words="lock",
        files={"pyproject.toml": "[tool.envlock\n"},
        code=2,
        said="error: {here}/pyproject.toml:1: not TOML:"
        " expected ']' at the end of a table declaration (column 14)\n"
        "  try: correct line 1 of {here}/pyproject.toml\n",
    ),
    "rules that are none": Bad(
        words="create --rules ours",
        files={"ours/x.yaml": "id: [\n"},
        code=2,
        said="error: these rules cannot be used:\n"
        "ours/x.yaml:2: not YAML: did not find expected node content\n",
    ),
    "a missing rules folder": Bad(
        words="lock --rules nowhere",
        code=2,
        said="error: these rules cannot be used:\nnowhere: no such folder\n",
    ),
    "no such date": Bad(
        words="lock --exclude-newer yesterday",
        code=2,
        said='error: "yesterday" is not a date\n'
        "  try: write 2024-01-31, 2024-01-31T12:00:00Z or, counted back from now, 7d\n",
    ),
    "the input as the output": Bad(
        words="lock -r requirements.txt -o requirements.txt",
        files={"requirements.txt": "tensorflow\n"},
        code=2,
        said="error: requirements.txt is an input; the lock would overwrite it\n"
        "  try: envlock lock -r requirements.txt -o requirements.lock\n",
    ),
    "several formats in one file": Bad(
        words="lock --format pylock --format requirements -o lock.txt",
        code=2,
        said="error: -o names one file, and several formats are asked for\n  try: leave -o out\n",
    ),
    "a lock of conda packages for a request without any": Bad(
        words="lock --format pixi h5py",
        code=2,
        said="error: --format pixi holds conda packages, and this request has none\n"
        "  try: give it an environment file: -r environment.yml\n",
    ),
    "a name that is of no format": Bad(
        words="lock -o locked.json",
        code=2,
        said=f"error: locked.json is not a name for the format requirements: {NAMES}\n"
        "  try: envlock lock -o requirements.txt\n",
    ),
    "a name that is of another format": Bad(
        words="lock --format pylock -o lock.toml",
        code=2,
        said=f"error: lock.toml is not a name for the format pylock: {NAMES}\n"
        "  try: envlock lock --format pylock -o pylock.toml\n",
    ),
    "an output folder that is not there": Bad(
        words="lock -o locks/lock.txt",
        code=2,
        said="error: locks/lock.txt: there is no folder locks\n  try: mkdir locks\n",
    ),
    "a requirements.txt of somebody else": Bad(
        words="create tensorflow",
        files={"requirements.txt": "tensorflow\n"},
        code=2,
        said="error: requirements.txt is there, and envlock did not write it;"
        " it is left as it is\n"
        "  try: envlock create tensorflow -r requirements.txt\n"
        "  try: envlock create tensorflow -o requirements.envlock.txt\n",
    ),
    "a script that is not there": Bad(
        words="create --probe own.py", code=2, said="error: --probe own.py: no such file\n"
    ),
    "a path that is no Python": Bad(
        words="lock --python ./python",
        code=4,
        said="error: ./python: neither a version such as 3.11"
        " nor a program or folder that is there\n"
        "  try: envlock lock --python {newest}\n",
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_a_bad_request_is_told_in_full_and_changes_nothing(
    bad: Bad, envlock: Program, index: SimpleIndex
) -> None:
    for name, content in bad.files.items():
        file = envlock.here / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = snapshot(envlock.here)
    done = envlock(*bad.words.split())
    assert done.err == said(bad.said, envlock, index)
    assert (done.code, done.out) == (bad.code, "")
    assert snapshot(envlock.here) == before


@pytest.mark.parametrize("name", ["an unknown package", "a malformed line", "bad settings"])
def test_with_json_the_same_is_one_object_on_standard_output(
    name: str, envlock: Program, index: SimpleIndex
) -> None:
    bad = CASES[name]
    for file, content in bad.files.items():
        assert isinstance(content, str)
        (envlock.here / file).write_text(content)
    command, *rest = bad.words.split()
    done = envlock(command, "--json", *rest)
    text = said(bad.said, envlock, index).removeprefix("error: ").rstrip("\n")
    message, *remedies = text.split("\n  try: ")
    assert done.err == ""
    expected = {
        "schema": 2,
        "command": command,
        "exit_code": bad.code,
        "message": message,
        "remedies": remedies,
    }
    assert {name: done.data[name] for name in expected} == expected
    assert done.code == bad.code


def test_a_release_without_a_wheel_for_this_python_names_those_it_has(
    envlock: Program, index: SimpleIndex
) -> None:
    build_framework(index.folder, "2.4.4", tag="cp36-cp36m-manylinux2010_x86_64")
    done = envlock("lock", "tensorflow==2.4.4")
    expected = (
        "error: no versions satisfy tensorflow==2.4.4 on Python {minor} ({platform})\n"
        "  because tensorflow 2.4.4 has no wheel for Python {minor} on {platform};"
        " it has wheels for Python 3.6 to 3.8\n"
    )
    assert done.err.startswith(said(expected, envlock, index))
    assert (done.code, snapshot(envlock.here)) == (3, {})


def test_a_python_that_is_not_here_is_told_with_those_that_are(envlock: Program) -> None:
    done = envlock("create", "tensorflow==2.15.1", "-p", "3.5")
    first, *rest = done.err.splitlines()
    assert first == "error: Python 3.5 was asked for and is not on this machine, which has:"
    listed = [line for line in rest if not line.startswith("  try: ")]
    assert listed
    assert all(" TensorFlow " in line for line in listed)
    assert "python install" not in done.err  # uv has none
    assert rest[-1].startswith("  try: envlock create tensorflow==2.15.1 --python ")
    assert (done.code, snapshot(envlock.here)) == (4, {})


def test_the_python_that_is_proposed_runs_the_release_that_was_asked_for(envlock: Program) -> None:
    done = envlock("lock", "tensorflow==2.15.1", "-p", "3.5")
    proposed = [line for line in done.err.splitlines() if "--python" in line]
    assert proposed
    _, _, words = proposed[0].partition("try: envlock ")
    assert envlock(*words.split()).code == 0


def test_a_project_for_other_pythons_is_refused(envlock: Program) -> None:
    project = '[project]\nname = "x"\nrequires-python = ">=3.99"\ndependencies = ["tensorflow"]\n'
    (envlock.here / "pyproject.toml").write_text(project)
    done = envlock("lock", "-r", "pyproject.toml")
    first, *rest = done.err.splitlines()
    assert first.startswith("error: the project asks for Python >=3.99, and Python 3.")
    assert first.endswith(" would be locked for")
    assert (done.code, rest, list(snapshot(envlock.here))) == (2, [], ["pyproject.toml"])


def test_with_json_a_refusal_is_structured(envlock: Program) -> None:
    (envlock.here / "wanted.in").write_text("tensorflow==2.15.1\nnumpy>=2\n")
    data = envlock("lock", "-r", "wanted.in", "--json").data
    assert (data["exit_code"], data["cause"], data["rules"]) == (
        3,
        "no-resolution",
        ["numpy2-tf-abi"],
    )
    assert data["requirements"] == [
        {"kind": "requirement", "text": "numpy>=2", "places": ["wanted.in:2"]},
        {"kind": "requirement", "text": "tensorflow==2.15.1", "places": ["wanted.in:1"]},
    ]
    assert data["reasons"][0].startswith("tensorflow==2.15.1 cannot be with numpy>=2")
    assert data["remedies"] == ["in wanted.in:2, change numpy>=2 to numpy==1.26.4"]
    assert data["commands"] == []
    typed = envlock("lock", "tensorflow==2.15.1", "numpy>=2", "--json").data
    assert typed["commands"][0][:2] == ["envlock", "lock"]
    assert "numpy==1.26.4" in typed["commands"][0]


def test_with_json_faults_of_a_file_have_their_places(envlock: Program) -> None:
    (envlock.here / "wanted.in").write_text("tensorflow=2\nh5py\nnumpy>\n")
    data = envlock("lock", "-r", "wanted.in", "--json").data
    assert (data["exit_code"], data["cause"]) == (2, "usage")
    assert [each["place"] for each in data["faults"]] == ["wanted.in:1", "wanted.in:3"]
