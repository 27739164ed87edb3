"""Images are built with the written files, prove themselves, and refuse what was tampered with."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildah import BASE, Builder, obstacle
from support.program import Program, make_program

#: A Debian is made for it, and pip fills images from the real index: minutes on a core.
pytestmark = [pytest.mark.network, pytest.mark.nightly]
TENSORFLOW = "ENVLOCK_TEST_DOCKER_TENSORFLOW"


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    made = Builder(root=tmp_path_factory.mktemp("buildah"))
    try:
        reason = made.make_base()
        if reason:
            pytest.skip(reason)
        yield made
    finally:
        made.clean()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Give envlock with the index that this machine's pip is configured for."""
    own = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return make_program(tmp_path_factory.mktemp("work")).with_env(**{"PIP_CONFIG_FILE": "", **own})


@pytest.fixture(scope="module")
def small(program: Program) -> Path:
    """Give the files of an image with h5py and NumPy."""
    done = program("docker", "h5py", "numpy", "--python", "3.11", "-o", "small")
    assert done.code == 0, done.err
    return program.here / "small"


@pytest.fixture(scope="module")
def built(builder: Builder, small: Path) -> str:
    """Give what the build of that image said."""
    done = builder.build(small, "small")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "copy"))


def test_the_build_proves_the_image(builder: Builder, built: str) -> None:
    assert re.search(r"^passed +import-h5py +h5py \S+ with HDF5", built, re.MULTILINE)
    assert "\nverified\n" in built
    assert '"import-h5py"' in builder.run("small", "cat", "/opt/envlock/proof/keras_h5.json")


def test_the_image_is_for_a_user_that_is_not_root_and_says_what_is_in_it(
    builder: Builder, built: str, small: Path
) -> None:
    del built
    lock = hashlib.sha256((small / "requirements.lock").read_bytes()).hexdigest()
    config = builder.config("small")
    assert config["User"] == "10001:10001"
    labels = {k: v for k, v in config["Labels"].items() if not k.startswith("io.buildah.")}
    assert labels == {
        "envlock.lock": f"sha256:{lock}",
        "envlock.python": "3.11",
        "org.opencontainers.image.base.name": BASE,
    }
    script = "id -u; pwd; python -c 'import sys; print(sys.prefix)'; touch /opt/venv/x || echo no"
    assert builder.run("small", "sh", "-c", script).splitlines()[:3] == [
        "10001",
        "/home/app",
        "/opt/venv",
    ]


def test_nothing_that_only_the_build_needs_is_left_in_the_image(
    builder: Builder, built: str
) -> None:
    del built
    script = "ls /opt/envlock; command -v gcc cc make; ls /etc/pip.conf /root/.cache 2>&1"
    said = builder.run("small", "sh", "-c", f"{script}; true").splitlines()
    assert said[0] == "proof"
    assert all("No such file" in line or "Permission denied" in line for line in said[1:])
    listing = "ls -d /opt/venv/lib/python3.11/site-packages/*.dist-info"
    found = builder.run("small", "sh", "-c", listing).split()
    names = {line.rpartition("/")[2].partition("-")[0] for line in found}
    assert names == {"h5py", "numpy", "setuptools"}


def test_a_hash_that_was_tampered_with_stops_the_build(builder: Builder, copy: Path) -> None:
    lock = copy / "requirements.lock"
    lock.write_text(
        re.sub(
            r"sha256:[0-9a-f]{8}(?=[0-9a-f]{56} *$)",
            "sha256:00000000",
            lock.read_text(),
            flags=re.MULTILINE,
        )
    )
    done = builder.build(copy, "tampered")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout
    assert "tampered" not in builder.sure("images")


def test_a_level_that_fails_stops_the_build(builder: Builder, built: str, copy: Path) -> None:
    del built
    probe = copy / "envlock-verify" / "keras_h5.py"
    probe.write_text(
        probe.read_text().replace('h5py = imported("h5py")', 'raise ValueError("broken")')
    )
    done = builder.build(copy, "unproved")
    assert done.returncode != 0
    assert "failed       import-h5py    ValueError: broken" in done.stdout
    assert "NOT verified: import-h5py" in done.stdout
    assert "unproved" not in builder.sure("images")


def test_a_base_with_another_python_stops_the_build(
    builder: Builder, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nWORKDIR /tmp\n")
    own = "localhost/own:1"  # whose name does not tell which Python it has
    assert builder.build(tmp_path, own).returncode == 0
    words = ("h5py", "numpy", "--python", "3.12", "--base", own, "--no-verify", "-o", "other")
    assert program("docker", *words).code == 0
    done = builder.build(program.here / "other", "other")
    assert done.returncode != 0
    assert "the base has Python 3.11, the lock is for 3.12" in done.stdout


def test_what_the_base_holds_is_used_and_not_installed_again(
    builder: Builder, program: Program, tmp_path: Path
) -> None:
    place = "/usr/local/lib/python3.11/dist-packages"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {BASE}\n"
        "RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf python3 -m venv /tmp/own"
        f" && /tmp/own/bin/pip install --target {place} numpy==1.26.4 && rm -r /tmp/own\n"
    )
    assert builder.build(tmp_path, "localhost/base:1").returncode == 0
    (program.here / "freeze.txt").write_text("numpy==1.26.4\n")
    base = ("--base", "localhost/base:1", "--base-freeze", "freeze.txt")
    assert program("docker", "h5py", "-p", "3.11", *base, "-o", "kept").code == 0
    done = builder.build(program.here / "kept", "kept")
    assert done.returncode == 0, done.stdout
    script = "import h5py, numpy; print(h5py.__file__, numpy.__file__)"
    assert builder.run("kept", "python", "-c", script).split() == [
        "/opt/venv/lib/python3.11/site-packages/h5py/__init__.py",
        f"{place}/numpy/__init__.py",
    ]


def test_an_image_of_a_bundle_is_built_from_its_files_alone(
    builder: Builder, program: Program
) -> None:
    assert program("lock", "h5py", "numpy", "-p", "3.11", "-o", "small.txt").code == 0
    assert program("bundle", "small.txt", "-o", "held").code == 0
    done = program("docker", "--bundle", "held", "-o", "carried")
    assert done.code == 0, done.err
    assert "--build-context envlock-wheels=held/wheels --tag NAME carried\n" in done.out
    wheels = program.here / "held" / "wheels"
    build = builder.build(
        program.here / "carried", "carried", "--build-context", f"envlock-wheels={wheels}"
    )
    assert build.returncode == 0, build.stdout
    assert "Looking in links: /opt/wheels" in build.stdout
    assert "Looking in indexes" not in build.stdout
    assert "\nverified\n" in build.stdout
    script = "python -c 'import h5py; print(h5py.__file__)'; ls /opt"
    said = builder.run("carried", "sh", "-c", script).split()
    assert said == ["/opt/venv/lib/python3.11/site-packages/h5py/__init__.py", "envlock", "venv"]


@pytest.mark.e2e
@pytest.mark.skipif(
    TENSORFLOW not in os.environ,
    reason=f"an image with TensorFlow takes minutes and 5 GB of disk: set {TENSORFLOW}=1",
)
def test_an_image_with_tensorflow_saves_and_loads_a_model(
    builder: Builder, program: Program
) -> None:
    done = program("docker", "tensorflow-cpu==2.15.1", "h5py", "-p", "3.11", "-o", "tensorflow")
    assert done.code == 0, done.err
    started = time.monotonic()
    build = builder.build(program.here / "tensorflow", "tensorflow")
    seconds = time.monotonic() - started
    assert build.returncode == 0, build.stdout
    for level in ("import-h5py", "import", "fit", "save", "load", "custom-layer"):
        assert re.search(rf"^passed +{level} ", build.stdout, re.MULTILINE), level
    print(f"built in {seconds:.0f} s, {builder.megabytes('tensorflow'):.0f} MB")  # noqa: T201
