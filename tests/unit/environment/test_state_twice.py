"""Files and distributions that an environment has twice: two owners, two records, half removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.environment.state import examine_environment
from envlock.findings import Finding
from envlock.model import Severity
from support.prefixes import UV, make_venv, put


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "env")


def findings(site: Path) -> tuple[Finding, ...]:
    return examine_environment(site.parents[2]).findings


def only(site: Path) -> tuple[str, Severity, str]:
    (found,) = findings(site)
    return found.id, found.severity, found.because


def reinstalled(site: Path, requirement: str) -> str:
    python = site.parents[2] / "bin/python"
    return f"{UV} pip install --python {python} --reinstall --no-deps --no-cache {requirement}"


def test_two_tensorflows_in_one_folder_are_the_rules_finding(site: Path) -> None:
    put(site, "tensorflow", "2.11.0", files={"tensorflow/a.py": "1\n", "tensorflow/b.py": "11\n"})
    put(site, "tensorflow-cpu", "2.10.0", files={"tensorflow/a.py": "2\n"})
    (found,) = findings(site)
    assert (found.id, found.severity) == ("tf-two-owners", Severity.BREAKS)
    assert found.because == (
        "tensorflow 2.11.0 and tensorflow-cpu 2.10.0 both brought 1 file, in two versions; "
        "what is there now is that of tensorflow-cpu 2.10.0."
    )
    assert found.packages == {"tensorflow": Version("2.11.0"), "tensorflow-cpu": Version("2.10.0")}
    python = site.parents[2] / "bin/python"
    assert [each.text for each in found.remedies] == [
        f"{UV} pip uninstall --python {python} tensorflow && "
        + reinstalled(site, "tensorflow-cpu==2.10.0")
    ]


def test_what_is_wrong_with_the_lesser_of_two_owners_goes_with_it(site: Path) -> None:
    files: dict[str, str | bytes] = {"cv2/a.py": "a = 1\n", "cv2/b.py": "b = 1\n"}
    put(site, "opencv-python", "4.8", files=files)
    put(site, "opencv-contrib-python", "4.9", files={"cv2/a.py": "a = 22\n"})
    (site / "cv2/b.py").unlink()
    (found,) = findings(site)
    assert found.id == "two-owners"
    assert [each.because for each in found.consequences] == [
        "cv2/b.py, which opencv-python 4.8 installed, is not there."
    ]


def test_twins_degrade_while_all_files_are_of_one_and_break_when_mixed(site: Path) -> None:
    put(site, "opencv-python", "4.8", files={"cv2/__init__.py": "x = 8\n", "cv2/gapi.py": "x = 8"})
    put(
        site,
        "opencv-python-headless",
        "4.9",
        files={"cv2/__init__.py": "x = 10\n", "cv2/gapi.py": "x = 9"},
    )
    assert only(site) == (
        "two-owners",
        Severity.DEGRADES,
        (
            "opencv-python 4.8 and opencv-python-headless 4.9 both brought 2 files, in two "
            "versions; what is there now is that of opencv-python-headless 4.9."
        ),
    )
    (site / "cv2/gapi.py").write_text("x = 8")
    (found,) = findings(site)
    assert (found.id, found.severity) == ("two-owners", Severity.BREAKS)
    assert found.evidence == (
        "cv2/__init__.py: of opencv-python-headless 4.9\ncv2/gapi.py: of opencv-python 4.8"
    )


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (
            "google/__init__.py",
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
            "",
        ),
        ("google/__init__.py", "__import__('pkg_resources').declare_namespace(__name__)", "# no"),
        ("nvidia/__init__.py", "", "# licence\n\n"),
        ("share/__init__.py", "x = 1\n", "x = 1\n"),
        ("tests/__init__.py", "x = 1\n", "y = 2\n"),
        ("docs/conf.py", "x = 1\n", "y = 2\n"),
        ("demo/LICENSE", "MIT", "BSD-3"),
        ("demo/include/api.h", "int a;", "long a;"),
    ],
)
def test_what_many_distributions_share_is_no_finding(
    site: Path, path: str, one: str, other: str
) -> None:
    put(site, "one", "1.0", files={path: one})
    put(site, "other", "1.0", files={path: other})
    assert findings(site) == ()


def test_a_distribution_recorded_twice_has_the_version_of_its_files(site: Path) -> None:
    put(site, "demo", "2.0", files={"demo/core.py": "value = 22\n", "demo/new.py": "\n"})
    put(site, "demo", "1.0", files={"demo/core.py": "value = 1\n"})
    put(site, "pip", "24.0")
    found = examine_environment(site.parents[2])
    assert found.examined.packages[canonicalize_name("demo")] == Version("1.0")
    (finding,) = found.findings
    assert (finding.id, finding.severity) == ("two-versions", Severity.DEGRADES)
    assert finding.because == "demo is recorded as 1.0 and 2.0, and its files are those of 1.0."
    pip = f"{site.parents[2] / 'bin/python'} -m pip"
    assert [each.text for each in finding.remedies] == [
        f"{pip} uninstall --yes demo && {pip} uninstall --yes demo && {pip} install demo==1.0"
    ]


def test_a_record_that_was_left_behind_alone_is_not_the_version(site: Path) -> None:
    put(site, "demo", "3.0", files={"demo/core.py": "value = 3\n", "demo/old.py": "gone\n"})
    put(site, "demo", "2.0", files={"demo/core.py": "value = 3\n"})
    (site / "demo/old.py").unlink()
    found = examine_environment(site.parents[2])
    assert found.examined.packages == {"demo": Version("2.0")}
    assert [each.id for each in found.findings] == ["two-versions"]


def test_files_of_two_versions_of_one_distribution_break(site: Path) -> None:
    put(site, "demo", "1.0", files={"demo/a.py": "a = 1\n", "demo/b.py": "b = 1\n"})
    put(site, "demo", "2.0", files={"demo/a.py": "a = 22\n", "demo/b.py": "b = 22\n"})
    (site / "demo/b.py").write_text("b = 1\n")
    assert only(site) == (
        "two-versions",
        Severity.BREAKS,
        "demo is recorded as 1.0 and 2.0, and its files are those of both.",
    )


def test_an_egg_and_a_wheel_of_the_same_version_are_one(site: Path) -> None:
    put(site, "demo", "1.0")
    (site / "demo.egg-info").write_text("Name: demo\nVersion: 1.0\n")
    assert findings(site) == ()


def test_what_a_stopped_pip_leaves_is_told_and_not_counted(site: Path) -> None:
    info = put(site, "numpy", "1.24.0")
    info.rename(site / "~umpy-1.24.0.dist-info")
    put(site, "numpy", "1.26.4")
    (site / "~umpy").mkdir()
    found = examine_environment(site.parents[2])
    assert found.examined.packages == {"numpy": Version("1.26.4")}
    (finding,) = found.findings
    assert (finding.id, finding.severity) == ("half-removed", Severity.DEGRADES)
    assert finding.because == (
        f"A pip that did not finish has left ~umpy and ~umpy-1.24.0.dist-info in {site}."
    )
    assert finding.packages == {"numpy": Version("1.24.0")}
    assert [each.text for each in finding.remedies] == [
        f"rm -r '{site}/~umpy' '{site}/~umpy-1.24.0.dist-info'"
    ]
