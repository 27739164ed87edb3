"""`envlock lock` for other platforms and for Pythons that are not here."""

import os
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import KNOWN
from support.framework import MINOR, build_framework
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_sdist, build_wheel

BOTH = ("--platform", "linux/arm64", "--platform", "win-64", "--python", "3.10")
#: A Python that TensorFlow has wheels for and no test machine has.
MISSING = "3.10.99"


def notes(program: Program, name: str) -> list[str]:
    lines = (program.here / name).read_text().splitlines()
    return [line.removeprefix("# note: ") for line in lines if line.startswith("# note: ")]


def test_each_platform_gets_a_lock_named_after_it(envlock: Program) -> None:
    done = envlock("lock", "tensorflow", *BOTH)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "release  tensorflow 2.15.1, h5py 3.10.0, numpy 1.26.4\n"
        "python   3.10 on linux-aarch64\n"
        "release  tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "python   3.10 on windows-x86_64\n"
        "held     h5py==3.10.0   by h5py-source-build\n"
        "         numpy==1.26.4  by numpy2-tf-abi\n"
        "         h5py==3.11.0   by h5py-3120-windows-dll\n"
        "note     made for any linux-aarch64 with glibc 2.28 or later:"
        " that it runs there is not proved\n"
        "         made for any windows-x86_64: that it runs there is not proved\n"
        "written  requirements.linux-aarch64.txt\n"
        "         requirements.windows-x86_64.txt\n"
        "next     on linux-aarch64: envlock sync requirements.linux-aarch64.txt\n"
        "         on windows-x86_64: envlock sync requirements.windows-x86_64.txt\n"
    )
    assert sorted(snapshot(envlock.here)) == [
        "requirements.linux-aarch64.txt",
        "requirements.windows-x86_64.txt",
    ]


def test_the_command_in_the_header_makes_every_platform_again(envlock: Program) -> None:
    assert envlock("lock", "tensorflow", *BOTH, "-o", "locked.txt").code == 0
    before = snapshot(envlock.here)
    lock = envlock.here / "locked.windows-x86_64.txt"
    command = lock.read_text().splitlines()[0].removeprefix("# made by: ")
    lock.unlink()
    assert envlock(*shlex.split(command)[1:]).code == 0
    assert snapshot(envlock.here) == before


def test_a_project_names_its_platforms_once(envlock: Program) -> None:
    project = envlock.here / "pyproject.toml"
    project.write_text('[tool.envlock]\nplatform = ["linux/arm64", "win-64"]\n')
    assert envlock("lock", "tensorflow", "--python", "3.10").code == 0
    both = [f"requirements.{name}.txt" for name in ("linux-aarch64", "windows-x86_64")]
    assert sorted(snapshot(envlock.here)) == ["pyproject.toml", *both]
    assert envlock("lock", "tensorflow", "--python", "3.10", "--check").code == 0

    assert envlock("lock", "tensorflow", "--python", "3.10", "--platform", "osx-arm64").code == 0
    assert (envlock.here / "requirements.macos-arm64.txt").is_file()


def test_what_is_built_is_not_for_the_platforms_of_the_project(envlock: Program) -> None:
    (envlock.here / "pyproject.toml").write_text('[tool.envlock]\nplatform = "win-64"\n')
    done = envlock("create", "tensorflow")
    assert (done.code, done.err) == (0, "")
    assert "# python" in (envlock.here / "requirements.txt").read_text()


def test_a_project_that_names_no_platform_is_told_where(envlock: Program) -> None:
    (envlock.here / "pyproject.toml").write_text('[tool.envlock]\nplatform = ["win64x"]\n')
    done = envlock("lock", "tensorflow")
    assert done.code == 2
    assert "pyproject.toml: tool.envlock.platform: --platform win64x: no such platform" in done.err


def test_one_platform_goes_to_the_file_that_is_named(envlock: Program) -> None:
    words = ("--platform", "osx-arm64", "--python", "3.10", "-o", "mac.txt")
    assert envlock("lock", "tensorflow", *words).code == 0
    assert sorted(snapshot(envlock.here)) == ["mac.txt"]


def test_every_format_is_written_for_every_platform(envlock: Program) -> None:
    formats = ("--format", "requirements", "--format", "pylock", "--format", "environment")
    words = ("lock", "tensorflow", *BOTH, *formats)
    assert envlock(*words).code == 0
    assert len(snapshot(envlock.here)) == 5
    pylock = tomllib.loads((envlock.here / "pylock.toml").read_text())
    assert pylock["environments"] == [
        'platform_system == "Linux" and platform_machine == "aarch64"',
        'platform_system == "Windows" and platform_machine == "AMD64"',
    ]
    done = envlock(*words, "--check")
    assert (done.code, done.out) == (0, "the lock is current\n")
    (envlock.here / "environment.windows-x86_64.yml").unlink()
    done = envlock(*words, "--check")
    assert done.code == 1
    assert done.out.startswith("environment.windows-x86_64.yml: there is no such lock\nnext: ")


TOGETHER = ("lock", "tensorflow", *BOTH, "--universal", "--format", "requirements")
H5PY = {
    "linux-aarch64": ("3.10.0", "platform_system == 'Linux'"),
    "windows-x86_64": ("3.11.0", "platform_system == 'Windows'"),
}


def test_one_file_holds_all_platforms(envlock: Program) -> None:
    done = envlock(*TOGETHER, "--format", "pylock")
    assert (done.code, sorted(snapshot(envlock.here))) == (0, ["pylock.toml", "requirements.txt"])
    assert done.out.endswith("next     on linux-aarch64 and windows-x86_64: envlock sync\n")
    lines = (envlock.here / "requirements.txt").read_text().splitlines()
    tables = tomllib.loads((envlock.here / "pylock.toml").read_text())
    for version, marker in H5PY.values():
        assert f"h5py=={version} ; {marker} \\".replace("'", '"') in lines
        (package,) = (
            each
            for each in tables["packages"]
            if (each["name"], each["version"]) == ("h5py", version)
        )
        assert package["marker"] == marker.replace("'", '"')
    everywhere = next(each for each in tables["packages"] if each["name"] == "tensorflow")
    assert "marker" not in everywhere
    assert [each["platform"] for each in tables["tool"]["envlock"]["parts"]] == list(H5PY)


def test_one_file_is_kept_asked_anew_and_checked(envlock: Program, index: SimpleIndex) -> None:
    assert envlock(*TOGETHER, "--format", "pylock").code == 0
    before = snapshot(envlock.here)
    words = (*TOGETHER, "--format", "pylock")
    assert envlock(*words, "--check").out == "the lock is current\n"
    assert envlock(*words[:-2], "--format", "pylock").code == 0
    build_wheel(index.folder, "six", "99.0")
    assert (envlock(*words).code, snapshot(envlock.here)) == (0, before)
    assert envlock(*words[:4], "--format", "pylock", "--check").code == 1  # of one platform
    (envlock.here / "requirements.txt").unlink()
    told = envlock(*words, "--json").data
    found = {
        part["platform"]: pin["version"]
        for part in told["parts"]
        for pin in part["pypi"]
        if pin["name"] == "h5py"
    }
    assert found == {place: version for place, (version, _) in H5PY.items()}
    assert snapshot(envlock.here) == before
    assert envlock(*words, "-U").code == 0


def test_what_names_no_platform_keeps_those_of_the_one_file(envlock: Program) -> None:
    assert envlock(*TOGETHER).code == 0
    before = snapshot(envlock.here)
    assert envlock("lock", "tensorflow", "--python", "3.10", "--format", "requirements").code == 0
    assert snapshot(envlock.here) == before
    done = envlock("create", "tensorflow")
    assert done.err.startswith(
        "error: requirements.txt is for linux-aarch64 and windows-x86_64, and the lock of an"
        " environment is for this machine alone\n  try: envlock sync requirements.txt\n"
    )
    assert (done.code, snapshot(envlock.here)) == (2, before)


def test_sync_export_and_diff_take_one_file(envlock: Program) -> None:
    here = str(find_interpreter(None).platform)
    other = "windows-x86_64" if here != "windows-x86_64" else "linux-x86_64"
    words = ("lock", "tensorflow", "-p", MINOR, "--platform", here, "--platform", other)
    assert envlock(*words, "--universal").code == 0
    assert envlock(*words, "--format", "pylock").code == 0
    for name in ("requirements.txt", "pylock.toml"):
        done = envlock("sync", name, "--json").data
        assert [each["platform"] for each in done["parts"]] == [here]
    assert envlock("diff", "requirements.txt", "pylock.toml").out == "no difference\n"
    (envlock.here / "out").mkdir()
    assert envlock("export", "requirements.txt", "--format", "pylock", "-o", "out").code == 0
    assert envlock("diff", "out/pylock.toml", "pylock.toml").out == "no difference\n"
    assert envlock("export", "pylock.toml", "--format", "requirements", "-o", "out").code == 0
    alone = envlock.here / "out" / f"requirements.{here}.txt"
    assert f"# python {MINOR} on {here}\n" in alone.read_text()


def test_sync_says_how_one_file_gets_this_machine(envlock: Program) -> None:
    here = str(find_interpreter(None).platform)
    others = [str(each.platform) for each in KNOWN if str(each.platform) != here][:2]
    words = (word for each in others for word in ("--platform", each))
    assert envlock("lock", "tensorflow", "-p", MINOR, *words, "--universal").code == 0
    done = envlock("sync")
    there = " and ".join(sorted(others))
    assert done.err.startswith(
        f"error: requirements.txt is for {there}, and this machine is {here}"
    )
    way = done.err.rpartition("  try: envlock ")[2]
    assert envlock(*shlex.split(way)).code == 0
    assert envlock("sync").code == 0


@pytest.mark.parametrize("words", [(), ("--platform", "win-64")], ids=["none", "one"])
def test_one_platform_is_not_universal(envlock: Program, words: tuple[str, ...]) -> None:
    done = envlock("lock", "tensorflow", "--universal", *words)
    assert done.err.startswith("error: --universal puts several platforms into one file, and ")
    assert done.code == 2


def test_several_locks_are_one_json_object(envlock: Program) -> None:
    told = envlock("lock", "tensorflow", *BOTH, "--json").data
    assert (told["schema"], told["exit_code"]) == (2, 0)
    assert [each["platform"] for each in told["parts"]] == ["linux-aarch64", "windows-x86_64"]
    assert (
        told["written"]
        == told["files"]
        == [
            "requirements.linux-aarch64.txt",
            "requirements.windows-x86_64.txt",
        ]
    )


def test_nothing_is_written_when_one_platform_has_no_answer(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "tensorflow-text", "2.15.0", tag="cp310-cp310-manylinux_2_17_aarch64")
    done = envlock("lock", "tensorflow", "tensorflow-text", *BOTH)
    apart = "tensorflow-text; sys_platform != 'win32' or platform_machine != 'AMD64'"
    assert done.err == (
        "error: no versions satisfy tensorflow and tensorflow-text on Python 3.10"
        " (windows-x86_64)\n"
        "  because tensorflow-text 2.15.0 has no wheel for Python 3.10 on windows-x86_64\n"
        f'  try: envlock lock "tensorflow" "{apart}" --platform windows-x86_64 --python 3.10\n'
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (3, "", {})
    assert envlock("lock", "tensorflow", apart, *BOTH).code == 0
    linux = (envlock.here / "requirements.linux-aarch64.txt").read_text()
    windows = (envlock.here / "requirements.windows-x86_64.txt").read_text()
    assert ("tensorflow-text==" in linux, "tensorflow-text==" in windows) == (True, False)


def test_markers_speak_of_the_target(envlock: Program, index: SimpleIndex) -> None:
    for name in ("one", "two", "three"):
        build_wheel(index.folder, name, "1.0")
    words = (
        "one; platform_machine == 'aarch64'",
        "two; os_name == 'nt' and python_full_version < '3.10.1'",
        "three; platform_system == 'Darwin'",
    )
    assert envlock("lock", *words, *BOTH[:4], "--platform", "macos", "-p", "3.10").code == 0
    found = {
        path.name.split(".")[1]: [line for line in path.read_text().splitlines() if "==1.0" in line]
        for path in envlock.here.iterdir()
    }
    assert found == {
        "linux-aarch64": ["one==1.0 \\"],
        "windows-x86_64": ["two==1.0 \\"],
        "macos-arm64": ["three==1.0 \\"],
    }


def test_a_release_that_would_be_compiled_there_is_not_taken(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "fast", "1.0", tag="cp310-cp310-win_amd64")
    build_wheel(index.folder, "fast", "2.0", tag="cp310-cp310-manylinux_2_17_aarch64")
    build_sdist(index.folder, "fast", "2.0")
    build_sdist(index.folder, "plain", "3.0")
    assert envlock("lock", "fast", "plain", *BOTH).code == 0
    assert "fast==2.0 " in (envlock.here / "requirements.linux-aarch64.txt").read_text()
    assert "fast==1.0 " in (envlock.here / "requirements.windows-x86_64.txt").read_text()
    assert notes(envlock, "requirements.windows-x86_64.txt") == [
        "there is only source of plain 3.0: it is built where it is installed",
        "made for any windows-x86_64: that it runs there is not proved",
    ]


def test_what_every_release_would_compile_there_is_told(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "needs", "1.0", requires=["fast"])
    build_wheel(index.folder, "fast", "2.0", tag="cp310-cp310-manylinux_2_17_aarch64")
    build_sdist(index.folder, "fast", "2.0")
    done = envlock("lock", "tensorflow", "needs", *BOTH[2:])
    apart = "needs; sys_platform != 'win32' or platform_machine != 'AMD64'"
    assert done.err == (
        "error: no versions satisfy tensorflow and needs on Python 3.10 (windows-x86_64)\n"
        "  because no wheel for Python 3.10 on windows-x86_64 of fast 2.0 (for needs) or an older"
        " release: only source to compile\n"
        f'  try: envlock lock "{apart}" "tensorflow" --platform windows-x86_64 --python 3.10\n'
    )
    assert done.code == 3


def test_a_python_that_is_not_here_is_locked_for(envlock: Program) -> None:
    done = envlock("lock", "tensorflow", "--python", MISSING)
    assert (done.code, done.err) == (0, "")
    assert notes(envlock, "requirements.txt") == [
        "made without a Python 3.10 at hand: that it runs is not proved"
    ]
    assert envlock("lock", "tensorflow", "--python", MISSING, "--check").code == 0


def test_pip_tools_leaves_another_platform_to_uv(envlock: Program) -> None:
    words = ("tensorflow", "--platform", "win-64", "--platform", "osx-arm64", "--python", "3.11")
    done = envlock("lock", *words, "--engine", "pip-tools")
    assert (done.code, done.err) == (
        0,
        (
            "uv resolves for a platform that is named:"
            " pip-tools does so for the machine that it runs on alone\n"
        ),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--platform", "win-64"),
            (
                "error: --platform win-64: an environment is built and proved on this machine;"
                " a lock can be for another one\n"
                "  try: envlock lock tensorflow --engine uv --platform windows-x86_64\n"
            ),
        ),
        (
            ("--python", MISSING),
            f"error: Python {MISSING} was asked for and is not on this machine, which has:\n",
        ),
    ],
    ids=["platform", "python"],
)
def test_create_builds_on_this_machine(envlock: Program, words: tuple[str, ...], said: str) -> None:
    done = envlock("create", "tensorflow", *words)
    assert done.err.startswith(said)
    assert (done.code in {2, 4}, done.out, snapshot(envlock.here)) == (True, "", {})


def test_sync_refuses_a_lock_for_another_platform(envlock: Program) -> None:
    other = "osx-arm64" if sys.platform == "win32" else "win-64"
    assert envlock("lock", "tensorflow", "--platform", other, "-o", "other.txt").code == 0
    done = envlock("sync", "other.txt")
    assert done.err.startswith("error: other.txt is for ")
    assert "  try: envlock lock tensorflow --engine uv --python 3." in done.err
    assert (done.code, sorted(snapshot(envlock.here))) == (2, ["other.txt"])


def test_a_system_older_than_the_wheels_is_told(envlock: Program, index: SimpleIndex) -> None:
    for file in index.folder.glob("tensorflow-*"):
        file.unlink()
    build_framework(index.folder, "2.15.1", tag="cp310-cp310-manylinux_2_17_x86_64")
    build_framework(index.folder, "2.15.2", tag="cp310-cp310-manylinux_2_31_x86_64")
    words = ("lock", "tensorflow", "--python", "3.10", "--platform")
    assert "tensorflow 2.15.1" in envlock(*words, "linux").out
    newer = envlock(*words, "manylinux_2_31_x86_64", "-o", "new.txt")
    assert "tensorflow 2.15.2" in newer.out
    assert notes(envlock, "new.txt") == [
        "made for any linux-x86_64 with glibc 2.31 or later: that it runs there is not proved"
    ]
    done = envlock("lock", "tensorflow==2.15.2", "--python", "3.10", "--platform", "linux")
    assert done.err == (
        "error: no versions satisfy tensorflow==2.15.2 on Python 3.10 (linux-x86_64)\n"
        "  because tensorflow 2.15.2 has no wheel for Python 3.10 on linux-x86_64 with glibc 2.28\n"
        '  try: envlock lock "tensorflow==2.15.1" --platform linux-x86_64 --python 3.10\n'
    )


def test_two_systems_of_one_platform_are_refused(envlock: Program) -> None:
    words = ("--platform", "linux", "--platform", "manylinux_2_17_x86_64")
    done = envlock("lock", "tensorflow", *words)
    assert done.err == (
        "error: --platform linux-x86_64 and manylinux_2_17_x86_64 are both linux-x86_64,"
        " and would be one file\n"
        "  try: leave one of them out\n"
    )
    assert done.code == 2


def test_what_conda_installs_is_not_universal(envlock: Program) -> None:
    done = envlock("lock", "tensorflow", "--manager", "conda", "--universal")
    assert done.err.startswith("error: --universal is for locks that pip installs alone;")
    assert (done.code, snapshot(envlock.here)) == (2, {})


@pytest.mark.network
@pytest.mark.parametrize(
    ("words", "pins"),
    [
        (
            ("tensorflow==2.15.1", "--platform", "linux/arm64"),
            {"tensorflow-cpu-aws": "2.15.1", "keras": "2.15.0"},
        ),
        (
            ("tensorflow==2.15.1", "--platform", "osx-arm64"),
            {"tensorflow": "2.15.1", "keras": "2.15.0"},
        ),
        (
            ("tensorflow==2.15.1", "--platform", "win-64"),
            {"tensorflow-intel": "2.15.1", "tensorflow-io-gcs-filesystem": "0.31.0"},
        ),
    ],
    ids=["linux-aarch64", "macos-arm64", "windows-x86_64"],
)
def test_a_real_tensorflow_is_locked_for_another_platform(
    program: Program, words: tuple[str, ...], pins: dict[str, str]
) -> None:
    done = public(program)("lock", *words, "--python", "3.10", "--json")
    assert done.code == 0, done.err
    locked = {each["name"]: each["version"] for each in done.data["parts"][0]["pypi"]}
    assert pins.items() <= locked.items()


@pytest.mark.network
def test_a_release_whose_code_was_never_published_there_is_told(program: Program) -> None:
    words = ("tensorflow==2.11.1", "--platform", "linux-aarch64", "--python", "3.9")
    done = public(program)("lock", *words)
    # A slow network is told of too.
    said = re.sub(r"  ways out were looked for during [\d.]+ s, and not longer\n", "", done.err)
    assert said.startswith(
        "error: no versions satisfy tensorflow==2.11.1 on Python 3.9 (linux-aarch64)\n"
        "  because tensorflow 2.11.1 on linux-aarch64 only pulls in tensorflow-cpu-aws,"
        " which has no wheel for Python 3.9 or any other there\n"
        '  try: envlock lock "tensorflow=='
    )
    assert done.code == 3


def public(program: Program) -> Program:
    """Return the program with uv, this machine's own indexes and uv's own cache."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    home = Path.home()
    cache = os.environ.get("UV_CACHE_DIR", str(home / ".cache" / "uv"))
    return program.with_env(PIP_CONFIG_FILE="", UV_CACHE_DIR=cache, ENVLOCK_ENGINE="uv", **kept)


def test_a_platform_that_cannot_be_is_refused_before_a_solve(
    envlock: Program, index: SimpleIndex
) -> None:
    for version, tags in (
        ("2.3.4", ("manylinux_2_17_x86_64", "win_amd64")),
        ("2.13.0", ("manylinux_2_17_x86_64", "win_amd64", "macosx_12_0_arm64")),
    ):
        for tag in tags:
            build_wheel(index.folder, "tensorflow", version, tag=f"cp311-cp311-{tag}")
    words = ("--platform", "linux-x86_64", "--platform", "macos-arm64", "--fresh")
    done = envlock("lock", "tensorflow==2.3.*", "--python", "3.11", *words)
    assert done.code == 3
    assert done.err == (
        "error: no release of tensorflow==2.3.* has a wheel for Python 3.11 on macos-arm64; the"
        " oldest release that has one there is 2.13.0\n"
        "  try: envlock lock 'tensorflow==2.3.*' --engine uv --fresh --platform linux-x86_64"
        " --python 3.11\n"
        "  try: envlock lock 'tensorflow>=2.13.0' --engine uv --fresh --platform linux-x86_64"
        " --platform macos-arm64 --python 3.11\n"
    )
    assert not any("/simple/h5py" in path for path in index.requests)
    for line in done.err.splitlines()[1:]:
        again = envlock(*shlex.split(line.partition("try: envlock ")[2]))
        assert (again.code, again.err) == (0, "")


def test_what_was_solved_before_another_platform_failed_is_kept(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "only", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    words = ("lock", "h5py", "only", "--python", "3.11", "--platform", "linux-x86_64")
    assert envlock(*words, "--platform", "windows-x86_64", "--fresh").code == 3
    build_wheel(index.folder, "h5py", "3.12.0")
    assert envlock(*words, "--platform", "linux-aarch64", "--fresh", "--refresh").code == 3
    kept = sorted((envlock.cache / "solved").iterdir())
    assert len(kept) == 1
    assert b"3.11.0" in kept[0].read_bytes()
