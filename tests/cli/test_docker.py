"""`envlock docker`: the files of an image, what is refused, and the same bytes again."""

import hashlib
import platform
import re
import shlex
from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from envlock.docker.image import checks_for
from support.dockerfiles import instructions
from support.framework import build_framework
from support.program import Program, make_program, snapshot
from support.simple_index import SimpleIndex, build_sdist, build_wheel

AMD64 = ("--platform", "linux/amd64", "--python", "3.11")
BOTH = ("--platform", "linux/amd64,linux/arm64", "--python", "3.11")
FILES = {
    ".dockerignore",
    "Dockerfile",
    "envlock-verify/gate.py",
    "envlock-verify/keras_h5.py",
    "requirements.lock",
}


def files(program: Program, folder: str = ".") -> dict[str, str]:
    found = snapshot(program.here / folder)
    return {name: each.decode() for name, each in found.items() if isinstance(each, bytes)}


def test_everything_a_build_needs_is_written(envlock: Program) -> None:
    done = envlock("docker", "tensorflow", *AMD64)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "release  tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "python   3.11 on linux-x86_64\n"
        "held     numpy==1.26.4  by numpy2-tf-abi\n"
        "base     python:3.11-slim-bookworm\n"
        "written  requirements.lock\n"
        "         Dockerfile\n"
        "         .dockerignore\n"
        "         envlock-verify/keras_h5.py\n"
        "         envlock-verify/gate.py\n"
        "next     docker build --platform linux/amd64 --tag NAME .\n"
    )
    found = files(envlock)
    assert set(found) == FILES
    digest = hashlib.sha256(found["requirements.lock"].encode()).hexdigest()
    assert f'envlock.lock="sha256:{digest}"' in found["Dockerfile"]
    assert found[".dockerignore"].splitlines()[2:] == [
        "*",
        "!requirements.lock",
        "!envlock-verify",
    ]


def test_the_lock_is_the_one_that_envlock_lock_makes(envlock: Program) -> None:
    assert envlock("docker", "tensorflow", *AMD64).code == 0
    assert envlock("lock", "tensorflow", *AMD64).code == 0
    found = files(envlock)
    pins = re.compile(r"^[a-z].*==\S+", re.MULTILINE)
    assert pins.findall(found["requirements.lock"]) == pins.findall(
        found["requirements.linux-x86_64.txt"]
    )


def test_the_lock_holds_the_wheels_of_its_platform_alone(
    envlock: Program, index: SimpleIndex
) -> None:
    for tag in ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "win_amd64"):
        build_wheel(index.folder, "demo", "1.0", tag=f"cp311-cp311-{tag}")
    build_sdist(index.folder, "demo", "1.0")
    assert envlock("docker", "demo", *BOTH).code == 0
    found = files(envlock)
    for machine, tag in (("amd64", "x86_64"), ("arm64", "aarch64")):
        wheel = index.folder / f"demo-1.0-cp311-cp311-manylinux_2_17_{tag}.whl"
        hashes = re.findall(r"--hash=(\S+)", found[f"requirements.{machine}.lock"])
        assert hashes == [f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"]


def test_a_package_without_a_wheel_keeps_its_source_and_is_told(
    envlock: Program, index: SimpleIndex
) -> None:
    source = build_sdist(index.folder, "demo", "1.0")
    done = envlock("docker", "demo", *AMD64)
    assert done.code == 0
    assert "it is built of its source, which runs its code (the release has no wheel" in done.err
    assert "there is only source of demo 1.0: it is built where it is installed\n" in done.out
    hashes = re.findall(r"--hash=(\S+)", files(envlock)["requirements.lock"])
    assert hashes == [f"sha256:{hashlib.sha256(source.read_bytes()).hexdigest()}"]


def test_an_empty_wheel_of_tensorflow_for_arm64_is_told(
    envlock: Program, index: SimpleIndex
) -> None:
    needs = ["tensorflow-cpu-aws==2.14.1; platform_machine == 'aarch64'"]
    for machine in ("x86_64", "aarch64"):
        tag = f"cp311-cp311-manylinux_2_17_{machine}"
        build_wheel(index.folder, "tensorflow", "2.14.1", requires=needs, tag=tag)
    build_wheel(index.folder, "tensorflow-cpu-aws", "2.14.1", tag=tag)
    done = envlock("docker", "tensorflow==2.14.1", *BOTH)
    assert done.code == 0, done.err
    assert (
        "note     linux/arm64: the wheel of tensorflow 2.14.1 is empty there, and what runs is"
        " tensorflow-cpu-aws 2.14.1; 2.16 and later have their own\n"
    ) in done.out


def test_a_level_that_is_needed_is_one_that_the_build_must_pass() -> None:
    (check,) = checks_for([NormalizedName("tensorflow-cpu")], ["resume"])
    assert set(check.gate) == {"import", "fit", "save", "load", "custom-layer", "resume"}
    assert "resume" not in check.others


def test_a_second_run_writes_nothing_and_needs_no_index(envlock: Program) -> None:
    assert envlock("docker", "tensorflow", *BOTH, "-o", "image").code == 0
    before = snapshot(envlock.here)
    offline = envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    done = offline("docker", "tensorflow", *BOTH, "-o", "image", "--json")
    assert (done.code, done.data["written"]) == (0, [])
    assert snapshot(envlock.here) == before
    done = offline("docker", "tensorflow", *BOTH, "-o", "image", "--check")
    assert (done.code, done.out) == (0, "the files are current\n")


def test_the_same_request_gives_the_same_bytes_elsewhere(envlock: Program, tmp_path: Path) -> None:
    other = make_program(tmp_path / "other").with_env(**envlock.env)
    for program in (envlock, other):
        assert program("docker", "tensorflow", *BOTH, "--label", "com.example.a=b $c").code == 0
    assert snapshot(envlock.here) == snapshot(other.here)


def test_the_command_in_the_headers_makes_the_same_bytes(envlock: Program) -> None:
    (envlock.here / "requirements.in").write_text("tensorflow\n")
    (envlock.here / "bounds.txt").write_text("h5py<3.11\n")
    (envlock.here / "freeze.txt").write_text("numpy==1.26.4\n")
    words = [
        *("-r", "requirements.in", "-c", "bounds.txt", *BOTH, "-o", "an image", "--no-verify"),
        *("--base", "ghcr.io/me/base:1", "--base-digest", f"sha256:{'a' * 64}"),
        *("--base-freeze", "freeze.txt", "--label", 'com.example.a=say "hi" to $HOME\'s'),
    ]
    assert envlock("docker", *words).code == 0
    found = files(envlock, "an image")
    commands = {text.splitlines()[0].removeprefix("# made by: ") for text in found.values()}
    (command,) = commands
    for name in found:
        (envlock.here / "an image" / name).unlink()
    assert envlock(*shlex.split(command)[1:]).code == 0
    assert files(envlock, "an image") == found


def test_this_machine_is_the_platform_where_none_is_named(envlock: Program) -> None:
    machine = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "amd64"
    done = envlock("docker", "h5py", "--python", "3.11", "--json")
    assert done.data["platforms"] == [f"linux/{machine}"]
    assert f"--platform linux/{machine} " in files(envlock)["Dockerfile"].splitlines()[0]


def test_the_answer_as_data(envlock: Program) -> None:
    done = envlock("docker", "tensorflow", *BOTH, "--json", "--no-verify")
    assert done.code == 0
    data = done.data
    assert {key: data[key] for key in ("schema", "command", "base", "platforms", "notes")} == {
        "schema": 2,
        "command": "docker",
        "base": "python:3.11-slim-bookworm",
        "platforms": ["linux/amd64", "linux/arm64"],
        "notes": [
            "made for any linux-x86_64 with glibc 2.28 or later: that it runs there is not proved",
            "made for any linux-aarch64 with glibc 2.28 or later: that it runs there is not proved",
            "linux/amd64 and linux/arm64 do not have the same versions: h5py 3.11.0 and 3.10.0",
        ],
    }
    paths = ["requirements.amd64.lock", "requirements.arm64.lock", "Dockerfile", ".dockerignore"]
    assert data["files"] == data["written"] == paths
    assert [part["platform"] for part in data["parts"]] == ["linux-x86_64", "linux-aarch64"]


def test_the_build_asks_only_for_levels_of_what_is_locked(envlock: Program) -> None:
    assert envlock("docker", "h5py", *AMD64, "-o", "a").code == 0
    assert "keras_h5.py \\\n    import-h5py\n" in files(envlock, "a")["Dockerfile"]
    done = envlock("docker", "numpy", *AMD64, "-o", "b")
    assert (
        "note     there is no probe for any of these packages: the build proves nothing\n"
        in done.out
    )
    assert set(files(envlock, "b")) == {"requirements.lock", "Dockerfile", ".dockerignore"}


def test_a_file_of_somebody_elses_is_left_as_it_is(envlock: Program) -> None:
    for name in ("envlock-verify/gate.py", ".dockerignore", "Dockerfile"):
        path = envlock.here / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("FROM scratch\n")
        before = snapshot(envlock.here)
        done = envlock("docker", "tensorflow", *AMD64)
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"error: {name} is there, and envlock docker did not write it; it is left as it is\n"
            f"  try: envlock docker tensorflow {shlex.join(AMD64)} -o image\n"
        )
        assert snapshot(envlock.here) == before
    assert envlock("docker", "tensorflow", *AMD64, "-o", "image").code == 0


def test_a_lock_that_another_command_made_is_left_as_it_is(envlock: Program) -> None:
    for text in ("numpy==1.0\n", "# made by: envlock lock numpy\n"):
        (envlock.here / "requirements.lock").write_text(text)
        done = envlock("docker", "tensorflow", *AMD64)
        assert (done.code, done.err) == (
            2,
            (
                "error: requirements.lock is there, and envlock docker did not write it;"
                " it is left as it is\n"
                f"  try: envlock docker tensorflow {shlex.join(AMD64)} -o image\n"
            ),
        )
    assert set(files(envlock)) == {"requirements.lock"}


def test_lines_that_were_added_to_a_dockerfile_are_not_lost(envlock: Program) -> None:
    assert envlock("docker", "tensorflow", *AMD64).code == 0
    path = envlock.here / "Dockerfile"
    path.write_text(f"{path.read_text()}COPY app.py ./\n")
    before = snapshot(envlock.here)
    done = envlock("docker", "tensorflow==2.15.1", *AMD64)
    assert done.code == 2
    assert done.err == (
        "error: Dockerfile was changed after envlock wrote it; it is left as it is\n"
        "  try: put your lines into a Dockerfile of your own that starts FROM this image,"
        " and delete Dockerfile\n"
        f"  try: envlock docker tensorflow==2.15.1 {shlex.join(AMD64)} -o image\n"
    )
    assert snapshot(envlock.here) == before
    done = envlock("docker", "tensorflow", *AMD64, "--check")
    assert (done.code, done.out) == (
        1,
        "Dockerfile: it is not what this command writes for the lock\n",
    )


def test_a_check_tells_everything_that_is_not_current(envlock: Program) -> None:
    done = envlock("docker", "tensorflow", *AMD64, "--check")
    assert (done.code, done.out) == (1, "requirements.lock: there is no such lock\n")
    assert envlock("docker", "tensorflow", *AMD64).code == 0
    (envlock.here / ".dockerignore").unlink()
    done = envlock(
        "docker", "tensorflow", *AMD64, "--label", "com.example.a=b", "--check", "--json"
    )
    assert (done.code, done.data["problems"]) == (
        1,
        [
            "Dockerfile: it is not what this command writes for the lock",
            ".dockerignore: there is no such file",
            "envlock-verify/keras_h5.py: it is not what this command writes for the lock",
            "envlock-verify/gate.py: it is not what this command writes for the lock",
        ],
    )
    assert not (envlock.here / ".dockerignore").exists()


def test_a_failed_write_leaves_no_file_and_no_folder(envlock: Program) -> None:
    (envlock.here / "image").mkdir()
    (envlock.here / "image" / "envlock-verify").write_text("a file where a folder must be\n")
    before = snapshot(envlock.here)
    done = envlock("docker", "tensorflow", *AMD64, "-o", "image")
    assert done.err == (
        "error: image/envlock-verify/keras_h5.py: cannot be written: Not a directory\n"
    )
    assert (done.code, snapshot(envlock.here)) == (2, before)


def test_what_a_base_holds_is_kept(envlock: Program) -> None:
    (envlock.here / "freeze.txt").write_text(
        "# pip freeze\nh5py==3.10.0\nNumPy==1.26.4\nodd @ file:///x\nunused==1.0\n"
    )
    words = ("tensorflow", *AMD64, "--base-freeze", "freeze.txt")
    done = envlock("docker", *words)
    assert done.code == 0, done.err
    assert "release  tensorflow 2.15.1, h5py 3.10.0, numpy 1.26.4\n" in done.out
    assert (
        "note     freeze.txt:4: no NAME==VERSION, so it is not known what the base holds there\n"
    ) in done.out
    (venv,) = re.findall(r"-m venv [^\\\n]*(?= \\)", files(envlock)["Dockerfile"])
    assert venv == "-m venv --system-site-packages --without-pip /opt/venv"
    assert envlock("docker", *words, "--check").out == "the files are current\n"
    (envlock.here / "freeze.txt").write_text("h5py==3.11.0\n")
    assert envlock("docker", *words, "--check").code == 1


def test_a_base_that_holds_what_cannot_be_is_told_with_a_way_on(envlock: Program) -> None:
    (envlock.here / "freeze.txt").write_text("numpy==2.0.2\n")
    done = envlock("docker", "tensorflow", *AMD64, "--base-freeze", "freeze.txt")
    assert done.code == 3
    assert "numpy==2.0.2 (freeze.txt:1)" in done.err
    assert (
        "  try: leave --base-freeze out: the environment then has its own copy of everything\n"
    ) in done.err
    assert not files(envlock).keys() - {"freeze.txt"}


def test_a_package_of_the_base_that_breaks_the_lock_is_told(envlock: Program) -> None:
    (envlock.here / "freeze.txt").write_text("tensorflow-gpu==2.15.0\n")
    done = envlock("docker", "tensorflow", *AMD64, "--base-freeze", "freeze.txt")
    assert done.code == 3
    assert done.err.startswith(
        "error: beside what freeze.txt says is in the base, the lock breaks rule"
    )


def test_a_freeze_without_pins_is_no_freeze(envlock: Program) -> None:
    (envlock.here / "freeze.txt").write_text("nothing\n")
    done = envlock("docker", "tensorflow", *AMD64, "--base-freeze", "freeze.txt")
    assert (done.code, done.err) == (
        2,
        (
            "error: --base-freeze freeze.txt: there is no line NAME==VERSION in it\n"
            "  try: docker run --rm --entrypoint python3 IMAGE -m pip freeze --all > freeze.txt\n"
        ),
    )


def test_a_release_without_wheels_for_a_platform_is_told_with_those_that_have(
    envlock: Program, index: SimpleIndex
) -> None:
    build_framework(index.folder, "2.9.3", tag="cp310-cp310-manylinux_2_17_x86_64")
    words = ("tensorflow==2.9.3", "--platform", "linux/amd64,linux/arm64", "--python", "3.10")
    done = envlock("docker", *words, "-o", "image")
    assert done.code == 3
    assert done.err == (
        "error: linux/arm64: no versions satisfy tensorflow==2.9.3 on Python 3.10 (linux-aarch64)\n"
        "  because tensorflow 2.9.3 has no wheel for Python 3.10 on linux-aarch64 with glibc 2.28\n"
        "  tensorflow has wheels for CPython 3.10 on linux-aarch64 with glibc 2.28 from 2.10.0 to"
        " 2.21.0; those before 2.16 are empty and bring\n"
        "  tensorflow-cpu-aws, and there is no tensorflow-cpu\n"
        '  try: envlock docker "tensorflow==2.15.1" --platform linux/amd64,linux/arm64'
        " --python 3.10 -o image\n"
        "  try: leave linux/arm64 out: --platform linux/amd64\n"
    )
    assert not files(envlock)


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (
            ("--platform", "macos-arm64"),
            "--platform macos-arm64: images are made for linux/amd64 and linux/arm64",
            "--platform linux/amd64",
        ),
        (
            ("--base", "python"),
            "--base python: it names no version: what a build takes would change with time",
            "--base python:TAG",
        ),
        (("-o", "taken"), "-o taken: is a file, and a folder is needed", "-o image"),
        (
            ("--label", "A=b"),
            (
                '--label "A=b": not KEY=VALUE, with a KEY of lower-case letters, digits, dots and'
                " hyphens that is not one of Docker's own"
            ),
            "--label com.example.team=vision",
        ),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_any_work(
    envlock: Program, words: tuple[str, ...], message: str, remedy: str
) -> None:
    (envlock.here / "taken").write_text("")
    done = envlock("docker", "tensorflow", *words)
    assert done.code == 2
    assert done.err.startswith(f"error: {message}\n")
    assert remedy in done.err
    assert set(files(envlock)) == {"taken"}


def test_hostile_names_of_files_and_folders_become_no_instruction(envlock: Program) -> None:
    assert envlock("docker", "h5py", *AMD64, "-o", "plain").code == 0
    plain = instructions(files(envlock, "plain")["Dockerfile"])
    for text in ("a\\\nRUN id", '"`id` ${HOME}"; RUN id', "\n# escape=`\nRUN <<EOF"):
        (envlock.here / f"{text}.txt").write_text("h5py\n")
        assert envlock("docker", "-r", f"{text}.txt", *AMD64, "-o", f"in {text}").code == 0
        found = instructions(files(envlock, f"in {text}")["Dockerfile"])
        # The label has the digest of the lock, whose comments name the file.
        assert found[:-1] == plain[:-1]
        assert (found[-1].name, found[-1].words[::2]) == (plain[-1].name, plain[-1].words[::2])


@pytest.mark.parametrize("kind", ["requirements", "pylock"])
def test_an_image_of_a_bundle_takes_its_lock_and_its_wheels(envlock: Program, kind: str) -> None:
    words = ("tensorflow", "--python", "3.11", "--platform", "linux-x86_64", "--format", kind)
    locked = envlock("lock", *words, "--json").data["written"]
    assert envlock("bundle", *locked, "-o", "b").code == 0
    offline = envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    image = ("docker", "--bundle", "b", "-o", "image")
    done = offline(*image)
    assert done.code == 0, done.err
    assert "next     docker build --platform linux/amd64 --build-context" in done.out
    found = files(envlock, "image")
    assert set(found) == FILES
    assert "tensorflow==2.15.1 \\\n    --hash=sha256:" in found["requirements.lock"]
    assert "from=envlock-wheels,target=/opt/wheels" in found["Dockerfile"]
    assert "pip.conf" not in found["Dockerfile"]
    assert offline(*image, "--check").out == "the files are current\n"
    again = offline(*image).out
    assert ("unchanged  image/requirements.lock\n" in again, "written" in again) == (True, False)
    (envlock.here / "image" / "requirements.lock").write_text("# made by: envlock docker\n")
    assert offline(*image, "--check").code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("h5py",), "b has its lock, and h5py is asked for besides"),
        (("--base-freeze", "f"), "b has its lock, and --base-freeze is asked for besides"),
        (
            ("--platform", "linux/arm64"),
            "--platform linux-aarch64: b/requirements.linux-x86_64.txt is for linux-x86_64",
        ),
        (("--python", "3.12"), "is for Python 3.11, and --python 3.12 is another"),
    ],
)
def test_nothing_is_asked_for_beside_a_bundle(
    envlock: Program, words: tuple[str, ...], said: str
) -> None:
    assert envlock("lock", "h5py", *AMD64).code == 0
    assert envlock("bundle", "requirements.linux-x86_64.txt", "-o", "b").code == 0
    done = envlock("docker", "--bundle", "b", *words)
    assert (done.code, said in done.err) == (2, True), done.err
