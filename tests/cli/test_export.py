"""`envlock export` and `envlock diff`: the formats become one another, and are compared."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from msgspec.structs import replace

from envlock.choices import Format
from envlock.formats.registry import texts_of
from support.conda_locks import REALISTIC_CONDA
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel

FORMATS = {
    "requirements": "requirements.txt",
    "pylock": "pylock.toml",
    "environment": "environment.yml",
}
ALL = tuple(word for name in FORMATS for word in ("--format", name))
SECRET = "s3cret"  # noqa: S105  (what must not be shown)


@pytest.fixture
def locked(envlock: Program) -> Program:
    assert envlock("lock", "tensorflow", *ALL).code == 0
    return envlock


def test_every_format_becomes_every_other_as_lock_writes_it(locked: Program) -> None:
    taken = "has no hashes for h5py, numpy, tensorflow: those of the index are taken\n"
    for source in FORMATS.values():
        for kind, file in FORMATS.items():
            done = locked("export", source, "--format", kind)
            assert done.out == (locked.here / file).read_text()
            bare = source == "environment.yml" and kind != "environment"
            assert (done.code, done.err) == (0, f"{source} {taken}" if bare else "")


def test_what_was_verified_is_still_said(locked: Program) -> None:
    path = locked.here / "requirements.txt"
    path.write_text(path.read_text().replace("# request: ", "# verified: by a test\n# request: "))
    done = locked("export", "--format", "pylock")
    assert 'verified = "by a test"' in done.out


def test_an_index_is_read_only_for_what_the_lock_does_not_hold(locked: Program) -> None:
    offline = locked.with_env(
        PIP_INDEX_URL="http://127.0.0.1:1/simple", ENVLOCK_CACHE_DIR=str(locked.root / "empty")
    )
    assert offline("export", "--format", "environment").code == 0
    assert offline("export", "pylock.toml", "--format", "requirements").code == 0
    done = offline("export", "--format", "pylock")
    assert (done.code, done.out) == (4, "")


def test_what_is_exported_is_current_for_the_same_request(locked: Program) -> None:
    (locked.here / "pylock.toml").unlink()
    done = locked("export", "-o", "pylock.toml")
    assert (done.code, done.out) == (0, "written  pylock.toml\n")
    assert locked("export", "-o", "pylock.toml").out == "unchanged  pylock.toml\n"
    assert locked("lock", "tensorflow", *ALL, "--check").out == "the lock is current\n"


def test_a_file_of_somebody_else_is_left_as_it_is(locked: Program) -> None:
    (locked.here / "mine.txt").write_text("numpy==1.0\n")
    before = snapshot(locked.here)
    done = locked("export", "pylock.toml", "-o", "mine.txt")
    assert done.err == (
        "error: mine.txt is there, and envlock did not write it; it is left as it is\n"
        "  try: envlock export pylock.toml -o ANOTHER\n"
    )
    assert (done.code, snapshot(locked.here)) == (2, before)
    done = locked("export", "requirements.txt", "-o", "./requirements.txt")
    assert done.err == ("error: requirements.txt is the lock that is read; it is left as it is\n")
    assert (done.code, snapshot(locked.here)) == (2, before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (),
            (
                "error: which format? There are requirements, pylock, environment,"
                " explicit, conda-lock, pixi\n"
                "  try: envlock export --format requirements\n"
            ),
        ),
        (
            ("--format", "pylock", "-o", "x.txt"),
            (
                "error: x.txt is not a name for the format pylock\n"
                "  try: envlock export --format pylock -o pylock.toml\n"
            ),
        ),
        (
            ("none.txt", "--format", "pylock"),
            "error: none.txt: there is no such lock\n  try: envlock export requirements.txt\n",
        ),
    ],
    ids=["no format", "another name", "no file"],
)
def test_a_request_that_makes_no_sense_is_told(
    locked: Program, words: tuple[str, ...], said: str
) -> None:
    done = locked("export", *words)
    assert (done.code, done.out, done.err) == (2, "", said)


def test_a_lock_of_uv_with_markers_is_read_for_one_target(
    envlock: Program, index: SimpleIndex
) -> None:
    for version in ("1.0", "2.0"):
        build_wheel(index.folder, "other", version)
    assert envlock("lock", "other==2.0", "-o", "two.txt").code == 0
    text = (envlock.here / "two.txt").read_text()
    (pin,) = re.findall(r"^other==2.0 \\\n    --hash=\S+$", text, re.MULTILINE)
    windows = pin.replace(" \\", " ; sys_platform == 'win32' \\")
    (envlock.here / "universal.txt").write_text(
        f"other==1.0 ; sys_platform != 'win32' \\\n    --hash=sha256:{'0' * 64}\n{windows}\n"
    )
    words = ("universal.txt", "--format", "pylock", "--platform", "win-64", "-p", "3.10")
    done = envlock("export", *words)
    assert done.err == (
        "universal.txt: what its markers keep from Python 3.10 on windows-x86_64 is left out\n"
    )
    assert 'command = "envlock export universal.txt --format pylock"' in done.out
    assert 'version = "2.0"' in done.out
    assert 'version = "1.0"' not in done.out.partition("[[packages]]")[2]
    done = envlock("export", *words[:3], "--platform", "linux", "-p", "3.10")
    assert done.err.endswith(
        f"error: {index.url} has no file of other 1.0 with a hash that universal.txt locks:"
        " the lock is of another index, or files were replaced\n"
        "  try: envlock export universal.txt --format pylock --platform linux -p 3.10"
        " --index-url URL\n"
    )
    assert done.code == 4


def test_indexes_that_a_lock_was_made_with_are_left_out(locked: Program) -> None:
    text = (locked.here / "requirements.txt").read_text()
    index = f"--index-url https://me:{SECRET}@x.example/simple\n--trusted-host x.example\n\n"
    (locked.here / "theirs.txt").write_text(index + text)
    done = locked("export", "theirs.txt", "--format", "environment")
    assert done.err == (
        "theirs.txt: --index-url and --trusted-host left out:"
        " indexes come from pip's configuration\n"
    )
    assert (done.code, SECRET in done.out) == (0, False)
    done = locked("diff", "requirements.txt", "theirs.txt")
    assert (done.code, done.out, done.err) == (0, "no difference\n", "")


def test_locks_that_pin_by_markers_are_compared_for_this_machine(locked: Program) -> None:
    text = (
        "other==1.0 ; python_version < '3'\nother==2.0 ; python_version >= '3'\n"
        "numpy==1.26.4 ; python_version >= '3'\n"
    )
    (locked.here / "old.txt").write_text(text)
    (locked.here / "new.txt").write_text(text.replace("2.0", "3.0"))
    done = locked("diff", "old.txt", "new.txt")
    assert (done.code, done.out) == (1, "up  other  2.0 → 3.0\n")
    assert done.err.startswith("old.txt is read for Python 3.")
    assert done.err.count(": it has markers\n") == 2


def test_with_json_the_text_or_the_file_is_told(locked: Program) -> None:
    told = locked("export", "--format", "environment", "--json").data
    assert told["texts"] == {"environment.yml": (locked.here / "environment.yml").read_text()}
    told = locked("export", "-o", "pylock.new.toml", "--json").data
    new = ["pylock.new.toml"]
    assert (told["files"], told["written"], told["format"]) == (new, new, "pylock")


def test_one_lock_in_two_formats_does_not_differ(locked: Program) -> None:
    for one, other in combinations(FORMATS.values(), 2):
        done = locked("diff", one, other)
        assert (done.code, done.out, done.err) == (0, "no difference\n", "")


def test_what_changed_is_said_in_words(locked: Program) -> None:
    text = (locked.here / "requirements.txt").read_text()
    (locked.here / "new.txt").write_text(
        text.replace("h5py==3.11.0", "h5py==3.10.0")
        .replace("numpy==1.26.4", "numpy==1.26.5")
        .replace("    # because numpy2-tf-abi", "    # because other-rule")
        .replace(
            "tensorflow==2.15.1 \\\n",
            f"keras==3.0\ntensorflow==2.15.1 \\\n    --hash=sha256:{'0' * 64} \\\n",
        )
        .replace("# python 3.", "# python 2.")
    )
    done = locked("diff", "requirements.txt", "new.txt")
    minor = re.search(r"# python 3\.(\d+)", text)
    assert minor is not None
    assert done.out == (
        f"python  3.{minor[1]} → 2.{minor[1]}\n"
        "added   keras  3.0\n"
        "up      numpy  1.26.4 → 1.26.5\n"
        "down    h5py   3.11.0 → 3.10.0\n"
        "hashes  tensorflow 2.15.1: 1 added\n"
        "rules   numpy now by other-rule; no longer by numpy2-tf-abi\n"
    )
    assert (done.code, done.err) == (1, "")
    told = locked("diff", "new.txt", "requirements.txt", "--json").data
    assert (told["exit_code"], told["equal"]) == (1, False)
    assert [(each["name"], each["change"]) for each in told["packages"]] == [
        ("h5py", "up"),
        ("keras", "removed"),
        ("numpy", "down"),
    ]


def test_a_lock_of_conda_packages_goes_into_the_formats_of_conda(program: Program) -> None:
    one = replace(REALISTIC_CONDA, parts=REALISTIC_CONDA.parts[:1])
    kinds = ("explicit", "conda-lock", "pixi")
    files: dict[str, str] = {}
    for kind in kinds:
        ((name, text),) = texts_of(one, Format(kind)).items()
        (program.here / name).write_text(text)
        files[kind] = name
    done = program("export", files["conda-lock"], "--format", "environment")
    assert (done.code, done.err) == (0, "")
    assert "\n  - cached-property==1.5.2\n" in done.out
    for kind in kinds:
        done = program("export", files[kind], "--format", "requirements")
        assert "six==1.16.0" in done.out
        assert done.code == 0
        done = program("diff", files["conda-lock"], files[kind])
        assert (done.code, done.out, done.err) == (0, "no difference\n", "")
    done = program("export", files["pixi"], "--format", "pylock")
    assert done.err.startswith("error: conda packages have no place in the format pylock\n")
    assert done.code == 2


def test_a_lock_of_several_platforms_goes_into_a_folder(program: Program) -> None:
    ((name, text),) = texts_of(REALISTIC_CONDA, Format.CONDA_LOCK).items()
    (program.here / name).write_text(text)
    done = program("export", name, "--format", "explicit")
    assert done.err == (
        "error: these are 2 files: conda-linux-64.lock, conda-osx-arm64.lock\n"
        f"  try: envlock export {name} --format explicit -o .\n"
    )
    done = program("export", name, "--format", "explicit", "-o", ".")
    assert done.out == "written  conda-linux-64.lock\nwritten  conda-osx-arm64.lock\n"
    done = program("diff", "conda-linux-64.lock", name)
    assert done.out.startswith("platform  linux-64 → linux-64, osx-arm64\nadded ")
    assert done.code == 1


def test_a_lock_of_pip_has_no_conda_packages(locked: Program) -> None:
    done = locked("export", "--format", "pixi")
    assert done.err == (
        "error: requirements.txt holds no conda packages, and the format pixi no others\n"
        "  try: lock an environment file: envlock lock -r environment.yml --format pixi\n"
    )
    assert done.code == 2


def test_no_credentials_of_a_lock_are_shown(locked: Program) -> None:
    path = locked.here / "pylock.toml"
    text = path.read_text().replace("http://", f"http://me:{SECRET}@")
    assert SECRET in text
    path.write_text(text.replace("lock tensorflow", f"lock --index-url https://x:{SECRET}@y"))
    runs = [
        locked("diff", "requirements.txt", "pylock.toml"),
        *(locked("export", "pylock.toml", "--format", kind) for kind in FORMATS),
    ]
    assert [done.code for done in runs] == [0] * 4
    assert SECRET not in "".join(done.out + done.err for done in runs)


def test_what_is_no_lock_is_told(locked: Program) -> None:
    (locked.here / "wishes.txt").write_text("tensorflow>=2\n")
    done = locked("diff", "requirements.txt", "wishes.txt")
    assert done.err == (
        "error: wishes.txt:1: 'tensorflow>=2' is not an exact pin (name==version)\n"
        "  try: make a lock from this file with `envlock lock`, and give that\n"
    )
    assert done.code == 2


@pytest.mark.parametrize("words", ["export --format pylock", "bundle -o b"])
def test_without_a_name_the_lock_in_the_folder_is_meant(envlock: Program, words: str) -> None:
    (envlock.here / "requirements.txt").write_text("h5py\n")
    assert envlock("lock", "--engine", "uv").code == 0
    assert (envlock.here / "requirements.lock").is_file()
    done = envlock(*words.split())
    assert (done.code, done.err) == (0, "")


def test_of_several_platforms_the_named_one_is_written(program: Program) -> None:
    lock = Path(__file__).parents[1] / "golden" / "conda" / "conda-lock.yml"
    done = program("export", lock, "--format", "explicit", "--platform", "linux-64")
    assert (done.code, done.out.count("@EXPLICIT")) == (0, 1)
    assert "/osx-arm64/" not in done.out
    elsewhere = program("export", lock, "--format", "explicit", "--platform", "windows-x86_64")
    assert elsewhere.code == 2
    assert "is for linux-64 and osx-arm64, and not for windows-x86_64" in elsewhere.err


def test_one_of_several_environments_of_a_pixi_lock_is_named(program: Program) -> None:
    golden = Path(__file__).parents[1] / "golden" / "conda" / "pixi.lock"
    text = golden.read_text(encoding="utf-8").replace("  default:\n", "  cpu:\n")
    (program.here / "pixi.lock").write_text(
        text.replace("environments:\n", "environments:\n  gpu: {}\n")
    )
    words = ("export", "pixi.lock", "--format", "conda-lock")
    unnamed = program(*words)
    assert (unnamed.code, "it has gpu, cpu" in unnamed.err) == (2, True)
    assert "name: numpy" in program(*words, "-E", "cpu").out
    assert program(*words, "-E", "none").code == 2
