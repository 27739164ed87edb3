"""The programs a lock is written for install it, from a real index on this machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version
from uv import find_uv_bin

from envlock.choices import Format
from envlock.errors import InterpreterMissing
from envlock.formats.registry import texts_of
from envlock.model import DistributionFile, Lock, LockedPackage, Part, RuleId
from envlock.system import WINDOWS, Completed, run
from envlock.targets.interpreters import find_interpreter
from support.locks import with_packages
from support.simple_index import SimpleIndex, build_sdist, build_wheel

SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINE = platform.machine().lower().replace("amd64", "x86_64")
REASON = RuleId("demo-other")


@dataclass(frozen=True, kw_only=True)
class World:
    """An index, a lock of what it has, and an environment without the user's settings."""

    index: SimpleIndex
    lock: Lock
    folder: Path
    env: Mapping[str, str]

    def write(self, kind: Format, lock: Lock | None = None) -> Path:
        """Write a lock, by default the right one, and return its path."""
        for name, text in texts_of(lock or self.lock, kind).items():
            (self.folder / name).write_bytes(text.encode())
        return self.folder / name

    def pip(self, *words: str | Path) -> Completed:
        """Run this interpreter's pip."""
        return self.install([sys.executable, "-m", "pip", "install", "--no-cache-dir"], *words)

    def uv(self, *words: str | Path) -> Completed:
        """Run uv's pip."""
        return self.install([find_uv_bin(), "pip"], *words)

    def install(self, program: Sequence[str | Path], *words: str | Path) -> Completed:
        """Run an installer that puts packages into the target folder."""
        return run([*program, *words, "--target", self.target], env=self.env, timeout=120)

    @property
    def target(self) -> Path:
        """Where packages go."""
        return self.folder / "target"

    def installed(self) -> set[str]:
        """The name and version of what is there."""
        return {path.stem for path in self.target.glob("*.dist-info")}


PINS = {"demo-1.0", "other-2.1+local", "third-1!3.0rc1"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    wheels = tmp_path / "wheels"
    build_wheel(wheels, "demo", "1.0", requires=["other>=2"])
    build_wheel(wheels, "other", "2.1+local", requires=["third"])
    build_sdist(wheels, "other", "2.1+local")
    build_wheel(wheels, "third", "1!3.0rc1")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    with SimpleIndex(wheels) as index:
        settings = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": index.url,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_DEFAULT_INDEX": index.url,
            "UV_NO_CONFIG": "1",
            "UV_PYTHON": sys.executable,
        }
        lock = lock_of(wheels, lambda path: f"{index.root}/files/{path.name}")
        yield World(index=index, lock=lock, folder=tmp_path, env=env | settings)


def lock_of(wheels: Path, address: Callable[[Path], str]) -> Lock:
    """Lock everything in a folder, for this machine."""
    packages = tuple(
        locked(name, version, sorted(wheels.glob(f"{name}-*")), address)
        for name, _, version in (pin.partition("-") for pin in sorted(PINS))
    )
    part = Part(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=f"{SYSTEMS[sys.platform]}-{MACHINE}",
        pypi=packages,
    )
    return Lock(
        parts=(part,),
        name="demo",
        command="envlock lock -r C:\\demo\\",
        request_digest="sha256:0",
        notes=("ends with a backslash \\",),
        reasons={REASON: "${HOME} -r other.txt ends with a backslash \\"},
    )


def locked(
    name: str, version: str, paths: list[Path], address: Callable[[Path], str]
) -> LockedPackage:
    files = tuple(
        DistributionFile(
            filename=path.name,
            url=address(path),
            hashes={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
            size=path.stat().st_size,
        )
        for path in paths
    )
    return LockedPackage(
        name=canonicalize_name(name),
        version=Version(version),
        hashes=tuple(f"sha256:{file.hashes['sha256']}" for file in files),
        via=tuple(f"--some-long-name-of-a-file-{number}" for number in range(4)),
        because=(REASON,),
        files=files,
    )


def tampered(lock: Lock) -> Lock:
    """The lock with hashes that no file has."""
    digest = "0" * 64
    packages = tuple(
        replace(
            package,
            hashes=(f"sha256:{digest}",),
            files=tuple(replace(file, hashes={"sha256": digest}) for file in package.files),
        )
        for package in lock.part.pypi
    )
    return with_packages(lock, packages)


def test_pip_installs_requirements_with_their_hashes(world: World) -> None:
    done = world.pip("--require-hashes", "-r", world.write(Format.REQUIREMENTS))
    assert (done.returncode, world.installed()) == (0, PINS), done.stderr


def test_uv_installs_requirements_with_their_hashes(world: World) -> None:
    done = world.uv("install", "--require-hashes", "-r", world.write(Format.REQUIREMENTS))
    assert (done.returncode, world.installed()) == (0, PINS), done.stderr


def test_uv_syncs_a_pylock(world: World) -> None:
    done = world.uv("sync", world.write(Format.PYLOCK))
    assert (done.returncode, world.installed()) == (0, PINS), done.stderr


def test_uv_syncs_a_pylock_of_local_files(world: World) -> None:
    lock = lock_of(world.folder / "wheels", Path.as_uri)
    done = world.uv("sync", "--offline", world.write(Format.PYLOCK, lock))
    assert (done.returncode, world.installed()) == (0, PINS), done.stderr
    assert world.index.downloads == ()


def test_uv_refuses_a_pylock_for_another_platform(world: World) -> None:
    other = replace(world.lock, parts=(replace(world.lock.part, platform="linux-s390x"),))
    done = world.uv("sync", world.write(Format.PYLOCK, other))
    assert done.returncode != 0
    assert "The target environment is not supported by the lockfile" in done.stderr
    assert world.installed() == set()


def test_pip_installs_the_pip_section_of_an_environment_file(world: World) -> None:
    document = yaml.safe_load(world.write(Format.ENVIRONMENT).read_text(encoding="utf-8"))
    lines = world.folder / "pip-section.txt"
    lines.write_text("\n".join(document["dependencies"][-1]["pip"]), encoding="utf-8")
    done = world.pip("-r", lines)
    assert (done.returncode, world.installed()) == (0, PINS), done.stderr


def test_a_file_that_changed_is_refused_by_every_installer(world: World) -> None:
    wrong = tampered(world.lock)
    requirements, pylock = (
        world.write(Format.REQUIREMENTS, wrong),
        world.write(Format.PYLOCK, wrong),
    )
    refusals = [
        world.pip("--require-hashes", "-r", requirements),
        world.uv("install", "--require-hashes", "-r", requirements),
        world.uv("sync", pylock),
    ]
    assert [done.returncode == 0 for done in refusals] == [False] * 3
    assert "DO NOT MATCH THE HASHES" in refusals[0].stderr
    assert world.installed() == set()


def envlock(world: World, *words: str) -> Completed:
    """Run envlock in the world's folder, with uv as its engine."""
    env = {
        **world.env,
        "ENVLOCK_ENGINE": "uv",
        "ENVLOCK_CACHE_DIR": str(world.folder / "envlock"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "envlock", *words]
    return run(command, env=env, cwd=world.folder, timeout=120)


def test_one_request_in_all_formats_gives_every_installer_the_same_pins(world: World) -> None:
    formats = [
        word for kind in ("requirements", "pylock", "environment") for word in ("--format", kind)
    ]
    done = envlock(world, "lock", "demo", "third>=1!3.0rc1", *formats)
    assert done.returncode == 0, done.stderr
    document = yaml.safe_load((world.folder / "environment.yml").read_text(encoding="utf-8"))
    section = world.folder / "pip-section.txt"
    section.write_text("\n".join(document["dependencies"][-1]["pip"]), encoding="utf-8")
    hashes = ("--require-hashes", "-r", world.folder / "requirements.txt")
    runs: list[tuple[Callable[..., Completed], tuple[str | Path, ...]]] = [
        (world.pip, hashes),
        (world.uv, ("install", *hashes)),
        (world.uv, ("sync", world.folder / "pylock.toml")),
        (world.pip, ("-r", section)),
    ]
    for install, words in runs:
        result = install(*words)
        assert (result.returncode, world.installed()) == (0, PINS), result.stderr
        shutil.rmtree(world.target)


def test_uv_syncs_what_is_exported_from_its_own_lock(world: World) -> None:
    (world.folder / "demo.in").write_text("demo\nthird>=1!3.0rc1\n")
    for words in (("--generate-hashes",), ("--generate-hashes", "--universal")):
        command = [find_uv_bin(), "pip", "compile", "demo.in", "-o", "theirs.txt", *words]
        compiled = run([*command, "--emit-index-url"], env=world.env, cwd=world.folder)
        assert compiled.returncode == 0, compiled.stderr
        done = envlock(world, "export", "theirs.txt", "-o", "pylock.toml")
        assert done.returncode == 0, done.stderr
        result = world.uv("sync", world.folder / "pylock.toml")
        assert (result.returncode, world.installed()) == (0, PINS), result.stderr
        shutil.rmtree(world.target)


def test_pip_and_uv_take_a_lock_for_another_platform(world: World) -> None:
    wheels = world.folder / "wheels"
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    tag = f"cp{minor}-cp{minor}".replace(".", "")
    build_wheel(wheels, "fast", "1.0", tag=f"{tag}-manylinux_2_28_aarch64")
    build_wheel(wheels, "fast", "2.0", tag=f"{tag}-manylinux_2_31_aarch64")
    build_wheel(wheels, "fast", "1.0", tag=f"{tag}-win_amd64")
    both = ("--platform", "linux-aarch64", "--platform", "windows-x86_64", "--python", minor)
    formats = ("--format", "requirements", "--format", "pylock")
    done = envlock(world, "lock", "fast", *both, *formats)
    assert done.returncode == 0, done.stderr
    for name, pips, uvs, built in (
        ("linux-aarch64", "manylinux_2_28_aarch64", "aarch64-manylinux_2_28", "manylinux"),
        ("windows-x86_64", "win_amd64", "x86_64-pc-windows-msvc", "win_amd64"),
    ):
        lock = ("--require-hashes", "-r", world.folder / f"requirements.{name}.txt")
        pip = ("--only-binary", ":all:", "--platform", pips, "--python-version", minor)
        uv = ("--python-platform", uvs, "--python-version", minor)
        runs: list[tuple[Callable[..., Completed], tuple[str | Path, ...]]] = [
            (world.pip, (*lock, *pip)),
            (world.uv, ("install", *lock, *uv)),
            (world.uv, ("sync", world.folder / "pylock.toml", *uv)),
        ]
        for install, words in runs:
            result = install(*words)
            assert (result.returncode, world.installed()) == (0, {"fast-1.0"}), result.stderr
            (wheel,) = world.target.glob("*.dist-info/WHEEL")
            assert built in wheel.read_text(encoding="utf-8")
            shutil.rmtree(world.target)
    refused = world.uv("sync", world.folder / "pylock.toml")
    assert refused.returncode != 0


def test_every_installer_takes_its_pins_from_one_file(world: World) -> None:
    here = world.lock.part
    other = replace(here, platform="windows-arm64")
    one, *rest = here.pypi
    older = replace(one, version=Version("0.9"))
    beside = tuple(
        replace(file, filename=f"{one.name}-0.9-py3-none-any.whl") for file in one.files[:1]
    )
    parts = (here, replace(other, pypi=(replace(older, files=beside), *rest[1:])))
    lock = replace(world.lock, parts=parts)
    text = texts_of(lock, Format.REQUIREMENTS, together=True)["requirements.txt"]
    assert text.count(" ; platform_system == ") == 3
    requirements = world.folder / "requirements.txt"
    requirements.write_bytes(text.encode())
    runs: list[tuple[Callable[..., Completed], tuple[str | Path, ...]]] = [
        (world.pip, ("--require-hashes", "-r", requirements)),
        (world.uv, ("install", "--require-hashes", "-r", requirements)),
        (world.uv, ("sync", world.write(Format.PYLOCK, lock))),
    ]
    for install, words in runs:
        done = install(*words)
        assert (done.returncode, world.installed()) == (0, PINS), done.stderr
        shutil.rmtree(world.target)


#: What a project asks for, and what of it each choice installs.
PROJECT = """\
[project]
name = "own"
version = "1"
dependencies = ["third>=1!3.0rc1"]
[project.optional-dependencies]
more = ["demo"]
other = ["other"]
[dependency-groups]
dev = ["tool"]
"""
BASE = {"third-1!3.0rc1"}
CHOSEN = {
    (): BASE,
    ("--extra", "other"): {*BASE, "other-2.1+local"},
    ("--extra", "more"): PINS,
    ("--group", "dev"): {*BASE, "tool-1.0", "other-2.1+local"},
    ("--extra", "more", "--group", "dev"): {*PINS, "tool-1.0"},
}


def project(world: World) -> None:
    """Lock a project with extras and a group, all of which can be chosen."""
    build_wheel(world.folder / "wheels", "tool", "1.0", requires=["other"])
    (world.folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    done = envlock(world, "lock", "-r", "pyproject.toml", "--all-extras", "--all-groups")
    assert done.returncode == 0, done.stderr


def test_uv_takes_of_a_pylock_what_is_chosen(world: World) -> None:
    project(world)
    for words, pins in CHOSEN.items():
        done = world.uv("sync", world.folder / "pylock.toml", *words)
        assert (done.returncode, world.installed()) == (0, pins), done.stderr
        shutil.rmtree(world.target)


@pytest.mark.network
def test_pip_of_2026_takes_of_a_pylock_what_is_chosen(world: World) -> None:
    project(world)
    pip, lock = newest_pip(world), world.folder / "pylock.toml"
    for words, pins in CHOSEN.items():
        chosen = list(pairwise(words))[::2]
        extras = [name for option, name in chosen if option == "--extra"]
        groups = [f"{lock}:{name}" for option, name in chosen if option == "--group"]
        asked = ["-r", f"{lock}[{','.join(extras)}]" if extras else str(lock)]
        asked += [word for each in groups for word in ("--group", each)]
        done = world.install(pip, *asked)
        assert (done.returncode, world.installed()) == (0, pins), done.stderr
        shutil.rmtree(world.target)


@pytest.mark.network
def test_pdm_takes_of_a_pylock_what_is_chosen(world: World) -> None:
    project(world)
    python = venv_of(world, "pdm", "pdm>=2.29", "hishel[httpx2]<2")  # 2 has not what pdm takes
    with (world.folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("[tool.pdm]\ndistribution = false\n[tool.pdm.resolution]\n")
    env = {**world.env, "PDM_CHECK_UPDATE": "0", "PDM_PYPI_URL": world.index.url}
    env |= {"PDM_LOCK_FORMAT": "pylock", "HOME": str(world.folder)}
    before = (world.folder / "pylock.toml").read_bytes()
    for words, pins in CHOSEN.items():
        chosen = list(pairwise(words))[::2]
        asked = [word for _, name in chosen for word in ("-G", name)]
        only = [] if "dev" in words else ["--prod"]
        run([find_uv_bin(), "venv", "--clear", world.folder / ".venv"], env=world.env, timeout=120)
        sync: list[str | Path] = [python, "-m", "pdm", "sync", *only, *asked]
        done = run(sync, env=env, cwd=world.folder, timeout=120)
        found = {path.stem for path in (world.folder / ".venv").rglob("*.dist-info")}
        assert (done.returncode, found) == (0, pins), done.stderr
    assert (world.folder / "pylock.toml").read_bytes() == before


def venv_of(world: World, name: str, *requirements: str) -> Path:
    """Make an environment with packages of the public index, and return its Python."""
    venv = world.folder / f"venv-{name}"
    own = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    run([find_uv_bin(), "venv", "--python", sys.executable, venv], env=own, timeout=120)
    python = venv / ("Scripts/python.exe" if WINDOWS else "bin/python")
    install: list[str | Path] = [find_uv_bin(), "pip", "install", "--python", python]
    run([*install, *requirements], env=own, timeout=120)
    return python


def newest_pip(world: World) -> list[str | Path]:
    """Return how packages are installed with the newest pip."""
    python = venv_of(world, "pip", "pip>=26.3")
    return [python, "-m", "pip", "install", "--no-cache-dir"]


@pytest.mark.network
def test_pip_of_2026_installs_a_pylock(world: World) -> None:
    pip = newest_pip(world)
    refused = world.install(pip, "-r", world.write(Format.PYLOCK, tampered(world.lock)))
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    for address in (lambda path: f"{world.index.root}/files/{path.name}", Path.as_uri):
        lock = lock_of(world.folder / "wheels", address)
        other = replace(lock.part, platform="windows-arm64", pypi=lock.part.pypi[:1])
        lock = replace(lock, parts=(lock.part, other))
        done = world.install(pip, "--upgrade", "-r", world.write(Format.PYLOCK, lock))
        assert (done.returncode, world.installed()) == (0, PINS), done.stderr


@pytest.mark.network
@pytest.mark.skipif(
    (sys.platform, MACHINE) != ("linux", "x86_64"), reason="the golden lock is for Linux x86_64"
)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Format.REQUIREMENTS, ("install", "--no-deps", "--require-hashes", "-r")),
        (Format.PYLOCK, ("sync",)),
    ],
)
def test_uv_takes_the_golden_files_from_the_public_index(
    tmp_path: Path, kind: Format, words: tuple[str, ...]
) -> None:
    try:
        python = find_interpreter("3.10").path  # uv does not look into pyenv
    except InterpreterMissing:
        pytest.skip("the golden lock is for Python 3.10, which is not on this machine")
    uv = [find_uv_bin(), "--no-python-downloads"]
    (golden,) = (Path(__file__).parents[1] / "golden" / kind).iterdir()
    where = ("--dry-run", "--python", python, "--target", tmp_path / "target")
    done = run([*uv, "pip", *words, golden, *where], timeout=120)
    assert done.returncode == 0, done.stderr
    assert "tensorflow==2.10.1" in done.stderr
