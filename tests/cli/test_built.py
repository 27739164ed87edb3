"""Old source distributions are built by the law, once, and what cannot be built says why."""

from pathlib import Path

import pytest

from support.distributions import build_sdist, build_setuptools
from support.program import Program
from support.simple_index import SimpleIndex, build_wheel

_REFUSES = """
import sys
if STEM.startswith("old-"):
    sys.exit("error in old setup command: use_2to3 is invalid.")
"""
_WANTS_OLD_CYTHON = """
import sys, Cython
if Cython.NEW:
    sys.exit("AttributeError: 'build_ext' object has no attribute 'cython_sources'")
"""


@pytest.fixture
def tools(index: SimpleIndex) -> SimpleIndex:
    """An index with the setuptools of two years, of which the newer refuses what is old."""
    old = build_setuptools(index.folder, "57.0.0")
    new = build_setuptools(index.folder, "80.0.0", _REFUSES)
    build_wheel(index.folder, "wheel", "0.40")
    times = {old.name: "2021-06-01T00:00:00Z", new.name: "2025-06-01T00:00:00Z"}
    index.upload_times = {**index.upload_times, **times}
    return index


def old(index: SimpleIndex, name: str = "old", version: str = "1.0", **more: object) -> Path:
    sdist = build_sdist(index.folder, name, version, tools=["wheel"], **more)  # type: ignore[arg-type]
    index.upload_times = {**index.upload_times, sdist.name: "2021-07-01T00:00:00Z"}
    return sdist


def lock_of(envlock: Program, name: str = "requirements.txt") -> str:
    return (envlock.here / name).read_text(encoding="utf-8")


def test_what_fails_plainly_is_built_with_the_tools_of_its_day(
    envlock: Program, tools: SimpleIndex
) -> None:
    old(tools)
    done = envlock("create", "old==1.0")
    assert done.code == 0, done.err
    assert "runs its code (just this release was asked for)" in done.err
    assert "old 1.0 was built with the build tools of 2021-07: setuptools==57.0.0" in done.err
    assert "    # built with setuptools==57.0.0 wheel==0.40\n" in lock_of(envlock)
    assert envlock("lock", "--check").code == 0
    before = tools.downloads
    again = envlock("sync", "--env", "other")
    assert (again.code, tools.downloads) == (0, before), again.err


def test_what_builds_plainly_is_built_plainly_and_its_tools_are_told(
    envlock: Program, tools: SimpleIndex
) -> None:
    old(tools, "plain")
    done = envlock("lock", "plain==1.0", "-o", "pylock.toml")
    assert done.code == 0, done.err
    assert "was built with" not in done.err
    assert 'built-with = [\n    "setuptools==80.0.0",\n    "wheel==0.40",\n]' in lock_of(
        envlock, "pylock.toml"
    )
    assert envlock("sync", "pylock.toml", "--env", "other").code == 0


def test_an_image_builds_what_the_lock_says_was_built(envlock: Program, tools: SimpleIndex) -> None:
    build_wheel(tools.folder, "demo", "1.0")
    old(tools, requires=["demo (>=1.)"])
    done = envlock("docker", "old==1.0", "-o", "image", "--platform", "linux/amd64")
    assert done.code == 0, done.err
    made = (envlock.here / "image" / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY envlock-build /opt/envlock/envlock-build\n" in made
    assert "--no-deps --requirement /opt/envlock/envlock-build/old.tools.txt" in made
    assert "mend_wheel.py /opt/built/old/*.whl /opt/envlock/envlock-build/old.mended.txt" in made
    build = envlock.here / "image" / "envlock-build"
    assert (build / "old.tools.txt").read_text().endswith("setuptools==57.0.0\nwheel==0.40\n")
    assert "\nold==1.0 \\\n    --hash=sha256:" in (build / "old.txt").read_text(encoding="utf-8")
    ignored = (envlock.here / "image" / ".dockerignore").read_text(encoding="utf-8")
    assert "!envlock-build\n" in ignored
    again = envlock("docker", "old==1.0", "-o", "image", "--platform", "linux/amd64")
    assert (again.code, "written" in again.out) == (0, False)


def test_bounds_on_record_for_a_package_are_the_last_way(
    envlock: Program, tools: SimpleIndex
) -> None:
    build_setuptools(tools.folder, "80.0.0", _WANTS_OLD_CYTHON)
    (tools.folder / "setuptools-57.0.0-py3-none-any.whl").unlink()
    for version in ("0.29.99", "3.0.0"):
        new = version.startswith("3")
        build_wheel(tools.folder, "cython", version, files={"Cython/__init__.py": f"NEW = {new}\n"})
    build_sdist(tools.folder, "pyyaml", "5.4.1", tools=["cython"])
    done = envlock("lock", "pyyaml==5.4.1")
    assert done.code == 0, done.err
    assert "pyyaml 5.4.1 was built with cython<3: cython==0.29.99" in done.err


def test_requirements_that_no_installer_reads_are_mended(
    envlock: Program, tools: SimpleIndex
) -> None:
    build_wheel(tools.folder, "demo", "1.0")
    old(tools, "wild", requires=["demo (>=1.)", "gone (>=1.x) ; extra == 'all'"])
    done = envlock("create", "wild==1.0")
    assert done.code == 0, done.err
    assert "no installer reads its requirement 'demo (>=1.)', which is taken as" in done.err
    lock = lock_of(envlock)
    assert "    # mended demo (>=1.) -> demo (>=1)\n" in lock
    assert "\ndemo==1.0" in lock
    assert envlock("sync", "--env", "other").code == 0


def test_what_never_builds_says_why_in_one_line_with_the_nearest_wheel(
    envlock: Program, tools: SimpleIndex
) -> None:
    never = 'raise RuntimeError("fatal error: yaml.h: No such file or directory")\n'
    build_sdist(tools.folder, "never", "1.0", backend=never)
    build_wheel(tools.folder, "never", "0.8")
    build_wheel(tools.folder, "never", "1.2")
    done = envlock("lock", "never==1.0")
    assert done.code == 3
    (error,) = [each for each in done.err.splitlines() if each.startswith("error: ")]
    assert "the header yaml.h is missing, of a library that is not installed here" in error
    assert error.endswith("; the nearest with a wheel: 0.8 and 1.2")
    assert "Traceback" not in done.err
    assert 'envlock lock "never==0.8" --python' in done.err


def test_what_nobody_pinned_gives_way_to_a_release_that_is_sound(
    envlock: Program, tools: SimpleIndex
) -> None:
    build_sdist(tools.folder, "never", "1.0", backend="raise RuntimeError('no')\n")
    build_wheel(tools.folder, "never", "0.8")
    done = envlock("lock", "never")
    assert done.code == 0, done.err
    assert "\nnever==0.8" in lock_of(envlock)
    assert "never 1.0 cannot be built: " in done.err


def test_what_has_wheels_for_others_is_built_only_where_it_is_allowed(
    envlock: Program, tools: SimpleIndex
) -> None:
    build_sdist(tools.folder, "native", "1.0")
    build_wheel(tools.folder, "native", "1.0", tag="cp27-none-any")
    refused = envlock("lock", "native")
    assert refused.code == 3
    assert "native 1.0 has no wheel for Python" in refused.err
    assert "--allow-build native" in refused.err
    for name in ("native", ":all:"):
        done = envlock("lock", "native", "--allow-build", name)
        assert done.code == 0, done.err
        assert "which runs its code (--allow-build)" in done.err
        assert f"# with allow-build: {name}" in lock_of(envlock)
        (envlock.here / "requirements.txt").unlink()


def test_a_name_that_is_a_trap_is_told_before_any_solve_and_its_line_is_cured(
    envlock: Program, tools: SimpleIndex
) -> None:
    build_sdist(tools.folder, "sklearn", "0.0", backend="raise SystemExit('deprecated')\n")
    build_wheel(tools.folder, "scikit-learn", "1.5")
    (envlock.here / "wants.in").write_text("sklearn==0.0  # models\n", encoding="utf-8")
    done = envlock("lock", "-r", "wants.in")
    assert done.code == 3
    assert "wants.in:1: sklearn is a placeholder" in done.err
    assert "write scikit-learn (envlock fix wants.in does it)" in done.err
    assert "in wants.in:1, change sklearn==0.0 to scikit-learn" in done.err
    fixed = envlock("fix", "wants.in", "--write")
    assert fixed.code == 0, fixed.err
    assert (envlock.here / "wants.in").read_text(encoding="utf-8") == "scikit-learn  # models\n"
    assert envlock("lock", "-r", "wants.in").code == 0
