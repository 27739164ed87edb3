"""What metadata declares against what is installed, as `pip check` sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.state import examine_environment, markers_of
from envlock.findings import Finding
from envlock.model import Platform, Severity
from support.prefixes import UV, make_conda_prefix, make_venv, put


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "env")


def findings(site: Path) -> tuple[Finding, ...]:
    return examine_environment(site.parents[2]).findings


@pytest.mark.parametrize(
    "requirement",
    [
        "other",
        "Other >=1.0, <2",
        "other>=1.5.dev0",
        "other==1.5rc1",
        "other[fast]",
        "other @ https://example.org/other.whl",
        'missing; python_version < "3.8"',
        'missing; sys_platform == "win32" and extra == "gpu"',
        "missing; extra == 'gpu'",
        'missing; python_full_version < "3.11.7"',
        'missing; implementation_name == "pypy"',
    ],
)
def test_what_is_met_or_does_not_apply_is_no_finding(site: Path, requirement: str) -> None:
    put(site, "demo", "1.0", requires=[requirement])
    put(site, "other", "1.5rc1")
    assert findings(site) == ()


def test_a_version_that_does_not_fit_is_declared_only(site: Path) -> None:
    put(site, "demo", "1.0", requires=["Num.Py<2,>=1.23", "numpy>=2"])
    put(site, "num-py", "2.1.0")
    put(site, "numpy", "2.1.0")
    (found,) = findings(site)
    assert found.id == "declared-conflict"
    assert found.severity is Severity.DECLARED
    assert found.because == "demo 1.0 declares num-py<2,>=1.23, and num-py 2.1.0 is there."
    assert found.packages == {"demo": Version("1.0"), "num-py": Version("2.1.0")}
    python = site.parents[2] / "bin/python"
    assert [each.text for each in found.remedies] == [
        f"{UV} pip install --python {python} 'Num.Py<2,>=1.23'"
    ]


def test_a_package_that_is_not_there_breaks_perhaps(site: Path) -> None:
    put(site, "demo", "1.0", requires=["h5py>=3"])
    put(site, "pip", "24.0")
    (found,) = findings(site)
    assert found.id == "missing-requirement"
    assert (found.severity, found.confidence) == (Severity.BREAKS, 0.6)
    assert found.because == "demo 1.0 declares h5py>=3, and h5py is not there."
    assert found.packages == {"demo": Version("1.0"), "h5py": None}
    python = site.parents[2] / "bin/python"
    assert [each.text for each in found.remedies] == [f"{python} -m pip install 'h5py>=3'"]


@pytest.mark.parametrize("name", ["libclang", "tensorflow-io-gcs-filesystem", "wheel"])
def test_what_tensorflow_declares_and_never_needs_is_declared_only(site: Path, name: str) -> None:
    put(site, "tensorflow", "2.15.1", requires=[f"{name}>=0.1"])
    (found,) = findings(site)
    assert (found.id, found.severity) == ("missing-requirement", Severity.DECLARED)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("tensorflow", "tensorflow-cpu"),
        ("tensorflow", "intel-tensorflow"),
        ("opencv-python", "opencv-contrib-python-headless"),
        ("opencv-python-headless", "opencv-python"),
        ("psycopg2", "psycopg2-binary"),
    ],
)
def test_another_build_of_a_package_stands_in_for_it(site: Path, wanted: str, there: str) -> None:
    put(site, "demo", "1.0", requires=[f"{wanted}>=2,<3"])
    put(site, there, "2.5")
    (found,) = findings(site)
    assert (found.id, found.severity) == ("missing-requirement", Severity.DECLARED)
    assert found.because == (
        f"demo 1.0 declares {wanted}<3,>=2, and {wanted} is not there; "
        f"{there} 2.5 stands in for it."
    )


@pytest.mark.parametrize(
    ("there", "version"), [("tensorflow-cpu", "1.15"), ("tensorflow-estimator", "2.5")]
)
def test_another_version_or_an_addition_does_not_stand_in(
    site: Path, there: str, version: str
) -> None:
    put(site, "demo", "1.0", requires=["tensorflow>=2,<3"])
    put(site, there, version)
    (found,) = findings(site)
    assert (found.id, found.severity) == ("missing-requirement", Severity.BREAKS)


def test_an_extra_counts_once_somebody_asks_for_it(site: Path) -> None:
    put(
        site,
        "demo",
        "1.0",
        requires=['fast; extra == "speed"', 'demo[speed]; extra == "all"', 'x; extra == "rare"'],
    )
    assert findings(site) == ()
    put(site, "user", "1.0", requires=["demo[all]"])
    (found,) = findings(site)
    assert found.because == "demo 1.0 declares fast, and fast is not there."


def test_a_requirement_that_cannot_be_read_is_a_note(site: Path) -> None:
    info = put(
        site,
        "demo",
        "1.0",
        requires=["other (1.0", 'x; python_version ~= "many"', "x; 'y' in extras"],
    )
    found = examine_environment(site.parents[2])
    assert found.findings == ()
    assert found.examined.notes == (
        f"{info}: 'other (1.0' is no requirement that can be judged",
        f"{info}: 'x; python_version ~= \"many\"' is no requirement that can be judged",
        f"{info}: \"x; 'y' in extras\" is no requirement that can be judged",
    )


def test_what_conda_built_is_often_declared_for_pip_alone(tmp_path: Path) -> None:
    site = make_conda_prefix(tmp_path)
    put(site, "tensorflow", "2.15.0", requires=["h5py"], installer="conda")
    (found,) = examine_environment(tmp_path).findings
    assert (found.id, found.severity) == ("missing-requirement", Severity.DECLARED)


@pytest.mark.parametrize(
    ("platform", "markers"),
    [
        (Platform(system="linux", machine="aarch64"), ("posix", "linux", "Linux", "aarch64")),
        (Platform(system="macos", machine="arm64"), ("posix", "darwin", "Darwin", "arm64")),
        (Platform(system="windows", machine="x86_64"), ("nt", "win32", "Windows", "AMD64")),
    ],
)
def test_markers_are_those_of_the_environment(platform: Platform, markers: tuple[str, ...]) -> None:
    found = markers_of(Version("3.8.18"), platform)
    names = ("os_name", "sys_platform", "platform_system", "platform_machine")
    assert tuple(found[name] for name in names) == markers
    assert (found["python_version"], found["python_full_version"]) == ("3.8", "3.8.18")
