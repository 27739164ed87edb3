"""`envlock diagnose`: what is examined, what is said, and the exit code."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.prefixes import UV, make_venv, put
from support.program import Done, Program, make_program, snapshot

DATA = Path(__file__).parent.parent / "unit" / "formats" / "data"
BROKEN = "tensorflow==2.4.1\nh5py==3.1.0\nsix==1.15.0\n"
HEALTHY = "tensorflow==2.15.1\nkeras==2.15.0\nh5py==3.10.0\nnumpy==1.26.4\n"
TRACEBACK = """\
Traceback (most recent call last):
  File "/home/u/env/lib/python3.8/site-packages/tensorflow/python/keras/saving/hdf5_format.py"
AttributeError: 'str' object has no attribute 'decode'
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program without a network: what files become is in test_today.py."""
    return make_program(tmp_path).with_env(ENVLOCK_OFFLINE="1")


def write(program: Program, name: str, text: str) -> None:
    (program.here / name).write_text(text, encoding="utf-8")


def feed(program: Program, text: str, *words: str) -> Done:
    """Run it with a text on standard input."""
    done = subprocess.run(
        program.command(*words),
        cwd=program.here,
        env=program.environment(),
        input=text.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def test_a_file_that_breaks_is_told_in_words(program: Program) -> None:
    write(program, "requirements.txt", BROKEN)
    done = program("diagnose", "requirements.txt")
    assert done.code == 1
    assert done.out == (
        "1. h5py3-str-decode: h5py 3 hands back str where TensorFlow before 2.5 expects bytes\n"
        "   breaks at load, very likely; cause: version\n"
        "   seen on tensorflow 2.4.1, h5py 3.1.0\n"
        "   h5py 3 returns HDF5 string attributes as str, and every TensorFlow before 2.5 calls"
        " .decode()\n"
        "   on them when it loads a model or weights; saving still works.\n"
        "   try: in requirements.txt, write h5py>=2.10,<3\n"
        "   or:  Move to TensorFlow 2.5 or later, the first release that takes h5py 3.\n"
        "   goes away with it: declared-conflict\n"
        "\n"
        "next: envlock fix requirements.txt\n"
    )
    assert done.err.startswith("examined requirements.txt: 3 packages\n")


def test_the_data_are_in_the_promised_order(program: Program) -> None:
    write(program, "requirements.txt", BROKEN)
    done = program("diagnose", "requirements.txt", "--json")
    assert list(done.data)[:4] == ["schema", "command", "exit_code", "findings"]
    assert (done.data["schema"], done.data["command"], done.data["exit_code"]) == (2, "diagnose", 1)
    (finding,) = done.data["findings"]
    assert list(finding)[:7] == [
        "rule",
        "aliases",
        "severity",
        "packages",
        "because",
        "remedy",
        "sources",
    ]
    assert (finding["rule"], finding["severity"]) == ("h5py3-str-decode", "breaks")
    assert finding["packages"] == {"tensorflow": "2.4.1", "h5py": "3.1.0"}
    assert (done.code, done.err) == (1, "")


def test_where_nothing_is_wrong_it_says_so(program: Program) -> None:
    write(program, "requirements.txt", HEALTHY)
    done = program("diagnose", "requirements.txt")
    assert (done.code, done.out) == (0, "nothing is wrong by what envlock knows\n")
    assert program("diagnose", "requirements.txt", "--json").data["findings"] == []


def test_a_traceback_comes_in_on_standard_input(program: Program) -> None:
    done = feed(program, TRACEBACK.replace("\n", "\r\n"), "diagnose", "-")
    assert done.code == 1
    assert "   > AttributeError: 'str' object has no attribute 'decode'\n" in done.out
    assert done.err == "examined standard input: Python 3.8, linux, 4 lines of text\n"


def test_a_sentence_is_what_an_error_says_without_the_class_it_begins_with(
    program: Program,
) -> None:
    done = program("diagnose", "module 'tensorflow' has no attribute 'Session'")
    assert (done.code, done.err) == (1, "examined the text that was typed: 1 line of text\n")
    assert done.out.startswith("1. name-ended: tensorflow.Session ended with TensorFlow 1.15\n")


@pytest.mark.parametrize("name", ["my own list.txt", "My Folder Here/requirements.txt", "lock old"])
def test_a_file_that_is_not_there_is_no_sentence(program: Program, name: str) -> None:
    done = program("diagnose", name)
    assert (done.code, done.out, done.err.splitlines()[0]) == (
        2,
        "",
        f"error: {name}: no such file",
    )


def test_a_traceback_and_a_file_are_one(program: Program) -> None:
    write(program, "requirements.txt", BROKEN)
    done = feed(program, TRACEBACK, "diagnose", "-", "requirements.txt", "--json")
    (finding,) = done.data["findings"]
    assert finding["confidence"] == 0.99


def test_an_environment_is_examined_by_its_files_alone(program: Program) -> None:
    site = make_venv(program.here / "env")
    put(site, "tensorflow", "2.16.2")
    put(site, "numpy", "2.0.2")
    before = snapshot(program.here)
    done = program("diagnose", "env")
    assert done.code == 1
    assert "1. numpy2-tf-abi: TensorFlow before 2.18 was built for NumPy 1\n" in done.out
    python = (program.here / "env" / "bin" / "python").as_posix()
    assert f"   try: {UV} pip install --python {python} 'numpy<2'\n" in done.out
    assert snapshot(program.here) == before


def test_without_words_the_active_environment_is_examined(program: Program) -> None:
    site = make_venv(program.here / "env")
    put(site, "h5py", "3.11.0")
    done = program.with_env(VIRTUAL_ENV=str(program.here / "env"))("diagnose")
    assert (done.code, done.out) == (0, "nothing is wrong by what envlock knows\n")


def test_an_environment_without_anything_that_is_known_is_not_called_sound(
    program: Program,
) -> None:
    put(make_venv(program.here / ".venv"), "numpy", "1.26.4")
    done = program("diagnose")
    place = program.here / ".venv"
    assert done.out == f"{place} has none of them: TensorFlow, Keras, h5py\n"
    assert done.code == 0
    assert program("diagnose", "--json").data["has_none"] is True


def test_how_an_environment_differs_from_the_lock_beside_it_is_a_note(
    envlock: Program,
) -> None:
    envlock = envlock.with_env(ENVLOCK_OFFLINE="")
    assert envlock("create", "tensorflow").code == 0
    assert "differs" not in envlock("diagnose").err
    site = next(envlock.here.glob(".venv/lib/python*/site-packages"))
    put(site, "alpha", "1.0", files={"alpha.py": ""})
    put(site, "extra", "1.0", requires=["alpha", "numpy"], files={"extra.py": ""})
    (next(site.glob("extra-*.dist-info")) / "REQUESTED").touch()
    put(site, "abc", "1.0", files={"abc_.py": ""})
    shutil.rmtree(next(site.glob("h5py-*.dist-info")))
    metadata = next(site.glob("numpy-*.dist-info")) / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.26.4", "1.26.3"))
    note = (
        ".venv differs from requirements.txt: beyond it: extra 1.0 (added by hand, with 1"
        " more), abc 1.0 (added by hand);"
        " missing: h5py 3.11.0; other: numpy 1.26.3 (1.26.4 locked);"
        " `envlock sync requirements.txt` makes it equal"
    )
    assert note in envlock("diagnose").err.splitlines()
    assert note in envlock("diagnose", "--json").data["examined"]["notes"]


def test_a_model_says_what_loads_it(program: Program) -> None:
    done = program("diagnose", "--model", DATA / "keras-3.15.h5")
    assert done.code == 0
    assert done.out == (
        f"model {DATA / 'keras-3.15.h5'}: hdf5, written by Keras 3.15.1, backend tensorflow\n"
        "   loads with tensorflow>=2.16 and keras>=3\n"
        "   Keras 3 loads it with compile=False only: its loss is saved by a short name\n"
    )


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 94381000\n"
NOT_HDF5 = "OSError: Unable to synchronously open file (file signature not found)"


def test_the_first_bytes_of_a_file_decide_between_the_causes_of_a_text(program: Program) -> None:
    (program.here / "m.h5").write_bytes(POINTER)
    done = program("diagnose", NOT_HDF5, "m.h5")
    assert done.code == 1
    assert done.out.startswith(
        "1. file-lfs-pointer: The file is a pointer of Git LFS\n"
        "   breaks at load, certain; cause: file\n"
        "   m.h5 is a pointer of Git LFS for a file of 94,381,000 bytes, 75 bytes of text, and not"
        " that\n   file.\n"
        "   try: git lfs pull\n"
    )
    assert done.out.endswith("   goes away with it: h5-not-hdf5\n")
    assert "envlock fix" not in done.out


def test_a_file_that_is_no_model_is_told_without_a_text(program: Program) -> None:
    (program.here / "m.h5").write_bytes((DATA / "keras-3.15.h5").read_bytes()[:3000])
    alone = program("diagnose", "m.h5", "--json")
    named = program("diagnose", "--model", "m.h5", "--json")
    assert alone.data == named.data
    (finding,) = alone.data["findings"]
    assert (finding["rule"], finding["cause"], alone.code) == ("h5-truncated", "file", 1)
    assert "has 3,000 bytes of the" in finding["because"]


def test_a_sound_model_among_what_is_named_says_what_loads_it(program: Program) -> None:
    model = DATA / "keras-3.15.h5"
    assert program("diagnose", model).out == program("diagnose", "--model", model).out
    done = program("diagnose", NOT_HDF5, model, "--json")
    assert [each["rule"] for each in done.data["findings"]] == ["h5-not-hdf5"]
    assert done.data["model"]["loads_with"] == {"keras": ">=3", "tensorflow": ">=2.16"}


def test_a_model_that_an_environment_does_not_load_is_a_finding(program: Program) -> None:
    write(program, "requirements.txt", HEALTHY)
    done = program("diagnose", "requirements.txt", "--model", DATA / "keras-3.15.h5", "--json")
    assert done.code == 1
    assert [each["rule"] for each in done.data["findings"]] == ["keras-h5-saved-by-newer"]
    assert done.data["model"]["loads_with"] == {"keras": ">=3", "tensorflow": ">=2.16"}


def test_python_and_platform_can_be_told(program: Program) -> None:
    write(program, "requirements.txt", "h5py==3.12.0\n")
    assert program("diagnose", "requirements.txt").code == 0
    done = program("diagnose", "requirements.txt", "--platform", "win32", "-p", "3.11", "--json")
    assert [each["rule"] for each in done.data["findings"]] == ["h5py-3120-windows-dll"]
    assert (done.data["examined"]["python"], done.data["examined"]["platform"]) == (
        "3.11",
        "windows",
    )


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("x86_64-manylinux2014", "linux-x86_64"),
        ("aarch64-unknown-linux-musl", "linux-aarch64"),
        ("linux/arm64/v8", "linux-aarch64"),
        ("win_amd64", "windows-x86_64"),
        ("linux-ppc64le", "linux-ppc64le"),
        ("osx", "macos"),
    ],
)
def test_platforms_have_the_names_that_a_lock_takes(
    program: Program, name: str, platform: str
) -> None:
    write(program, "requirements.txt", "h5py==3.12.0\n")
    done = program("diagnose", "requirements.txt", "--platform", name, "--json")
    assert done.data["examined"]["platform"] == platform


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("Dockerfile", "FROM scratch\n", "a Dockerfile"),
        ("Makefile", "all:\n\techo hi\n", "a script"),
        ("Pipfile", "[packages]\n", "a Pipfile"),
        ("pixi.lock", "version: 6\nenvironments: {}\npackages: []\n", "pixi's lock"),
    ],
)
def test_nothing_is_wrong_is_not_said_of_a_file_without_a_requirement(
    program: Program, name: str, text: str, read: str
) -> None:
    write(program, name, text)
    done = program("diagnose", name)
    assert (done.code, done.out) == (2, "")
    assert f"no requirement recognised in {name}, read as {read}\n" in done.err


def test_rules_of_a_folder_count(program: Program) -> None:
    (program.here / "rules").mkdir()
    write(
        program,
        "rules/acme.yaml",
        """\
id: acme-old
title: acme 1 does nothing
refuse: {acme: "<2"}
stage: use
severity: degrades
because: acme 1 was an empty package, which is what one gets.
metadata: "no"
remedy: [{install: "acme>=2"}]
evidence: [{how: ran, what: It does nothing., checked: "2026-11-22"}]
examples:
  refuses: [{packages: {acme: "1.0"}}]
  admits: [{packages: {acme: "2.0"}}]
""",
    )
    write(program, "requirements.txt", "acme==1.0\n")
    done = program("diagnose", "requirements.txt", "--rules", "rules")
    assert (done.code, done.out.partition("\n")[0]) == (0, "1. acme-old: acme 1 does nothing")


FAULTS = [
    (("missing.txt",), "error: missing.txt: no such file\n"),
    (
        ("empty",),
        (
            "error: empty: a folder without a Python, so not an environment\n"
            "  try: envlock create --env empty/.venv\n"
        ),
    ),
    (
        ("a.txt", "--python", "three"),
        (
            "error: --python three: a version such as 3.10 is needed\n"
            "  try: envlock diagnose a.txt --python 3.10\n"
        ),
    ),
    (
        ("a.txt", "--platform", "amiga"),
        (
            "error: --platform amiga: no such platform; there are linux-x86_64, linux-aarch64,"
            " macos-arm64, macos-x86_64, windows-x86_64, windows-arm64, the names that conda,"
            " Docker and uv have for them, and tags of wheels such as manylinux_2_17_x86_64 for"
            " the system to start at\n"
            "  try: envlock diagnose a.txt --platform linux-x86_64\n"
        ),
    ),
    (
        ("--model", "a.txt"),
        "error: a.txt: neither an HDF5 file nor a .keras file: no model that Keras saved\n",
    ),
    (
        ("a.h5",),
        "error: a.h5: neither an HDF5 file nor a .keras file: no model that Keras saved\n",
    ),
]


@pytest.mark.parametrize(("words", "said"), FAULTS)
def test_what_cannot_be_examined_is_told_in_words(
    program: Program, words: tuple[str, ...], said: str
) -> None:
    write(program, "a.txt", "six\n")
    (program.here / "a.h5").write_bytes(b"\0\1\2")
    (program.here / "empty").mkdir()
    done = program("diagnose", *words)
    assert (done.code, done.out, done.err) == (2, "", said)
