"""The files of an environment against RECORD: missing, changed, left over, owned twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.state import examine_environment
from envlock.findings import Finding
from envlock.model import Severity
from support.prefixes import UV, make_conda_prefix, make_venv, put

FILES: dict[str, str | bytes] = {
    "demo/__init__.py": "from demo import core\n",
    "demo/core.py": "value = 1\n",
    "demo/data.json": "{}\n",
    "demo/native.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
    "demo/README.md": "# demo\n",
    "demo/api.pyi": "value: int\n",
    "demo/include/demo.h": "int value;\n",
    "demo/tests/test_core.py": "assert 1\n",
}


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


def test_what_was_installed_and_left_alone_is_healthy(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/__pycache__").mkdir()
    (site / "demo/__pycache__/core.cpython-311.pyc").touch()
    assert findings(site) == ()


def test_a_module_that_is_gone_breaks(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/core.py").unlink()
    (found,) = findings(site)
    assert (found.id, found.severity) == ("missing-files", Severity.BREAKS)
    assert found.because == "demo/core.py, which demo 1.0 installed, is not there."
    assert found.packages == {"demo": Version("1.0")}
    assert found.evidence == "demo/core.py"
    assert [each.text for each in found.remedies] == [reinstalled(site, "demo==1.0")]


def test_data_that_is_gone_degrades(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/data.json").unlink()
    assert only(site)[:2] == ("missing-files", Severity.DEGRADES)


def test_a_folder_that_is_gone_is_one_finding(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    for file in sorted(site.glob("demo/*")):
        if file.is_file():
            file.unlink()
    assert only(site)[2] == (
        "4 of the 6 files that demo 1.0 installed are not there; one is demo/__init__.py."
    )


@pytest.mark.parametrize("name", ["README.md", "api.pyi", "include/demo.h", "tests/test_core.py"])
def test_what_no_import_reads_may_be_removed(site: Path, name: str) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo" / name).unlink()
    assert findings(site) == ()


def test_a_source_that_was_edited_degrades(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/core.py").write_text("value = 1000\n")
    (found,) = findings(site)
    assert (found.id, found.severity) == ("overwritten-files", Severity.DEGRADES)
    assert found.because == "demo/core.py is not as demo 1.0 installed it."
    assert found.evidence == "demo/core.py: 13 bytes"
    assert [each.text for each in found.remedies] == [reinstalled(site, "demo==1.0")]


def test_where_one_size_is_wrong_small_sources_of_the_same_size_are_hashed(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/core.py").write_text("value = 2\n")
    assert findings(site) == ()
    (site / "demo/__init__.py").write_text("")
    assert only(site) == (
        "overwritten-files",
        Severity.BREAKS,
        "demo/__init__.py of demo 1.0 is empty, and 1 more file differs.",
    )


def test_a_package_that_hides_the_module_of_its_name_breaks(site: Path) -> None:
    put(site, "tensorflow", "2.5.0", files={"tensorflow/keras/norm.py": "x = 1\n"})
    old = site / "tensorflow/keras/norm"
    old.mkdir()
    (old / "__init__.py").touch()
    (found,) = findings(site)
    assert (found.id, found.severity) == ("tf-stale-files-after-upgrade", Severity.BREAKS)
    assert found.because == (
        "tensorflow/keras/norm, which no installed package owns, "
        "hides tensorflow/keras/norm.py of tensorflow 2.5.0."
    )
    assert [each.text for each in found.remedies] == [f"rm -r {old}"]


def test_a_module_beside_the_package_that_took_its_place_is_left_over(site: Path) -> None:
    put(site, "tensorflow-cpu", "2.6.0", files={"tensorflow/keras/norm/__init__.py": "x = 1\n"})
    put(site, "keras", "2.6.0", files={"tensorflow/keras/__init__.py": "y = 1\n"})
    (site / "tensorflow/keras/norm.py").touch()
    assert only(site) == (
        "tf-stale-files-after-upgrade",
        Severity.DEGRADES,
        (
            "tensorflow/keras/norm.py is among the files of keras 2.6.0 and no installed package "
            "owns it."
        ),
    )


@pytest.mark.parametrize("name", ["core.abi3.so", "core.so", "core.cpython-311-darwin.so"])
def test_an_extension_comes_before_a_source_file(site: Path, name: str) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo" / name).touch()
    assert only(site) == (
        "leftover-files",
        Severity.BREAKS,
        f"demo/{name}, which no installed package owns, hides demo/core.py of demo 1.0.",
    )


def test_a_leftover_may_hide_a_module_beside_all_packages(site: Path) -> None:
    put(site, "six", "1.16", files={"six.py": "x = 1\n"})
    (site / "six").mkdir()
    (site / "six/__init__.py").touch()
    assert only(site)[0] == "leftover-files"


@pytest.mark.parametrize(
    "name",
    [
        "demo/core.cpython-38-x86_64-linux-gnu.so",
        "demo/libcuda.so",
        "demo/gen_py/__init__.py",
        "demo/cache/thing.bin",
        "demo/notes.txt",
        "stray.py",
        "stray/__init__.py",
    ],
)
def test_what_hides_nothing_and_was_not_left_by_an_upgrade_is_silent(site: Path, name: str) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).touch()
    assert findings(site) == ()


def test_without_all_records_an_unlisted_file_may_be_somebodys(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/old.py").touch()
    assert only(site)[:2] == ("leftover-files", Severity.DEGRADES)
    (site / "other-1.0.egg-info").write_text("Name: other\nVersion: 1.0\n")
    assert findings(site) == ()


def test_many_leftovers_are_cured_by_a_new_install(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES)
    for number in range(30):
        (site / f"demo/old{number:02}.py").touch()
    (found,) = findings(site)
    python = site.parents[2] / "bin/python"
    assert [each.text for each in found.remedies] == [
        f"{UV} pip uninstall --python {python} demo && rm -r {site}/demo && "
        + reinstalled(site, "demo==1.0")
    ]
    assert found.evidence.splitlines()[-1] == "and 20 more"


def test_a_folder_that_cannot_be_listed_is_a_note(site: Path) -> None:
    put(site, "demo", "1.0", files={"demo/data/x.json": "{}"})
    (site / "demo/data/x.json").unlink()
    (site / "demo/data").rmdir()
    (site / "demo/data").symlink_to("data")
    found = examine_environment(site.parents[2])
    assert found.findings == ()
    assert found.examined.notes == (f"{site / 'demo/data'}: cannot be listed",)


def test_findings_come_in_the_order_of_their_severity(site: Path) -> None:
    put(site, "demo", "1.0", files=FILES, requires=["other<1"])
    put(site, "other", "1.0", files={"other.py": "x = 1\n"})
    (site / "other.py").write_text("x = 100\n")
    (site / "demo/core.py").unlink()
    assert [each.severity for each in findings(site)] == [
        Severity.BREAKS,
        Severity.DEGRADES,
        Severity.DECLARED,
    ]


def test_the_prefix_of_conda_on_windows_is_read_as_well(tmp_path: Path) -> None:
    site = make_conda_prefix(tmp_path, windows=True)
    put(site, "demo", "1.0", files=FILES)
    (site / "demo/core.py").unlink()
    found = examine_environment(tmp_path)
    assert [each.id for each in found.findings] == ["missing-files"]
    assert found.examined.python == Version("3.11.9")
    assert found.examined.manager == "conda"
