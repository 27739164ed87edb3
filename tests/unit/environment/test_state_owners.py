"""What an environment has from two places: conda and pip, the user site, two HDF5."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment import faults
from envlock.environment.faults import TITLES
from envlock.environment.state import examine_environment
from envlock.findings import CONFLICT, MISSING
from envlock.model import Severity
from envlock.rules.database import load
from support.prefixes import UV, add_conda_record, make_conda_prefix, make_prefix, make_venv, put

PLACE = "lib/python3.11/site-packages"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty user site."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in ("PYTHONUSERBASE", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    site = tmp_path / "home/.local" / PLACE
    site.mkdir(parents=True)
    return site


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    prefix = tmp_path / "conda"
    make_conda_prefix(prefix)
    return prefix


def ids(prefix: Path) -> list[str]:
    return [each.id for each in examine_environment(prefix).findings]


def test_a_prefix_that_conda_alone_filled_is_healthy(conda: Path) -> None:
    put(conda / PLACE, "numpy", "1.26.4", installer="conda")
    add_conda_record(conda, "numpy", "1.26.4", [f"{PLACE}/numpy.py"])
    found = examine_environment(conda)
    assert found.findings == ()
    assert found.examined.manager == "conda"
    assert found.examined.packages == {"numpy": Version("1.26.4")}


def test_what_pip_installed_over_conda_is_owned_by_both(conda: Path) -> None:
    put(conda / PLACE, "numpy", "2.0.0", installer="uv")
    add_conda_record(conda, "numpy", "1.26.4", [f"{PLACE}/numpy.py"])
    (found,) = examine_environment(conda).findings
    assert (found.id, found.severity) == ("conda-and-pip-own", Severity.DEGRADES)
    assert found.because == (
        "conda's records list numpy, and pip has installed over that; either removes or replaces "
        "files of the other without notice."
    )
    assert found.packages == {"numpy": Version("2.0.0")}
    assert found.evidence == "numpy: 1.26.4 by conda, 2.0.0 by uv"
    assert [each.text for each in found.remedies] == [
        (
            f"{UV} pip uninstall --python {conda / 'bin/python'} numpy && "
            f"conda install --prefix {conda} --force-reinstall numpy"
        )
    ]


def test_two_records_by_conda_and_pip_are_one_finding(conda: Path) -> None:
    put(conda / PLACE, "numpy", "1.26.4", installer="conda", files={"numpy.py": "x = 1\n"})
    put(conda / PLACE, "numpy", "2.0.0", files={"numpy.py": "x = 22\n"})
    add_conda_record(conda, "numpy", "1.26.4", [f"{PLACE}/numpy.py"])
    found = examine_environment(conda)
    assert [each.id for each in found.findings] == ["conda-and-pip-own"]
    assert found.examined.packages == {"numpy": Version("2.0.0")}


@pytest.mark.parametrize(
    ("name", "file"),
    [("flatbuffers", "lib/libflatbuffers.a"), ("pip", f"{PLACE}/pip.py"), ("x", f"{PLACE}/x.py")],
)
def test_a_library_of_the_same_name_and_a_newer_pip_are_fine(
    conda: Path, name: str, file: str
) -> None:
    put(conda / PLACE, name.replace("x", "y"), "24.0")
    add_conda_record(conda, name, "23.5.26", [file])
    assert ids(conda) == []


def test_a_conda_record_that_is_broken_says_nothing(conda: Path) -> None:
    put(conda / PLACE, "numpy", "2.0.0")
    add_conda_record(conda, "numpy", "1.26.4")
    (conda / "conda-meta/numpy-1.26.4-h1234567_0.json").write_text("{")
    (conda / "conda-meta/history").touch()
    assert ids(conda) == []


def test_conda_rewrites_files_and_leaves_some_out_without_harm(conda: Path) -> None:
    files = {"demo/__init__.py": "x = 1\n", "demo/built.py": "\n", "demo/gone.py": "\n"}
    put(conda / PLACE, "demo", "1.0", files=files, installer="conda")
    add_conda_record(conda, "demo", "1.0", [f"{PLACE}/demo/__init__.py", f"{PLACE}/demo/gone.py"])
    (conda / PLACE / "demo/__init__.py").write_text("x = '/home/me/conda'\n")
    (conda / PLACE / "demo/built.py").unlink()
    (conda / PLACE / "demo/extra.py").touch()
    assert ids(conda) == []
    (conda / PLACE / "demo/gone.py").unlink()
    (found,) = examine_environment(conda).findings
    assert found.id == "missing-files"
    assert found.evidence == "demo/gone.py"
    assert [each.text for each in found.remedies] == [
        f"conda install --prefix {conda} --force-reinstall demo"
    ]


@pytest.mark.parametrize(("installer", "manager"), [("pip", "pip"), ("conda", "conda")])
def test_who_installed_tensorflow_is_the_manager(conda: Path, installer: str, manager: str) -> None:
    files = {"tensorflow/__init__.py": "x = 1\n"}
    put(conda / PLACE, "tensorflow-cpu", "2.15.1", files=files, installer=installer)
    assert examine_environment(conda).examined.manager == manager


def test_a_virtual_environment_is_managed_by_pip(tmp_path: Path) -> None:
    make_venv(tmp_path / "env")
    assert examine_environment(tmp_path / "env").examined.manager == "pip"


def test_the_user_site_hides_packages_of_a_conda_prefix(conda: Path, user: Path) -> None:
    put(conda / PLACE, "numpy", "1.26.4", installer="conda")
    put(conda / PLACE, "same", "1.0", installer="conda")
    put(user, "numpy", "1.19.5")
    put(user, "same", "1.0")
    put(user, "mine", "1.0")
    found = examine_environment(conda)
    assert found.examined.packages == {
        "mine": Version("1.0"),
        "numpy": Version("1.19.5"),
        "same": Version("1.0"),
    }
    (finding,) = found.findings
    assert (finding.id, finding.severity) == ("user-site-leak", Severity.DEGRADES)
    assert finding.because == (
        f"numpy 1.19.5 of {user} is imported in place of 1.26.4 of {conda / PLACE}."
    )
    assert finding.packages == {"numpy": Version("1.19.5")}
    assert [(each.kind, each.text) for each in finding.remedies] == [
        ("command", f"conda env config vars set --prefix {conda} PYTHONNOUSERSITE=1"),
        ("setting", "PYTHONNOUSERSITE=1"),
    ]


def test_the_user_site_hides_packages_of_a_plain_python(tmp_path: Path, user: Path) -> None:
    site = make_prefix(tmp_path / "plain")
    for name in ("numpy", "h5py", "pip"):
        put(site, name, "2.0")
    for name in ("numpy", "h5py"):
        put(user, name, "1.0")
    (found,) = examine_environment(tmp_path / "plain/bin/python").findings
    assert found.because == (
        f"h5py 1.0 of {user} is imported in place of 2.0 of {site}; likewise numpy."
    )
    assert found.remedies[-1].text == (
        f"{tmp_path / 'plain/bin/python'} -m pip uninstall --yes h5py numpy"
    )


def test_a_closed_virtual_environment_does_not_see_the_user_site(
    tmp_path: Path, user: Path
) -> None:
    put(make_venv(tmp_path / "env"), "numpy", "2.0")
    put(user, "numpy", "1.0")
    assert ids(tmp_path / "env") == []


def test_an_open_virtual_environment_has_its_own_packages_first(tmp_path: Path, user: Path) -> None:
    base = make_prefix(tmp_path / "base")
    site = make_venv(tmp_path / "env", system=True, home=tmp_path / "base/bin")
    put(site, "numpy", "3.0")
    for folder, version in ((user, "1.0"), (base, "2.0")):
        put(folder, "numpy", version)
        put(folder, "h5py", version)
    found = examine_environment(tmp_path / "env")
    assert found.examined.packages == {"h5py": Version("1.0"), "numpy": Version("3.0")}
    (finding,) = found.findings
    assert finding.packages == {"h5py": Version("1.0")}


def hdf5(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_a_wheel_with_another_hdf5_than_condas_is_told(conda: Path) -> None:
    put(conda / PLACE, "h5py", "3.11.0")
    bundled = "libhdf5-4bd9f7a1.so.310.4.0"
    hdf5(conda / PLACE / "h5py.libs", bundled, "libhdf5_hl-69da89c9.so.310.0.6", "libsz.so.2")
    hdf5(conda / "lib", "libhdf5.so", "libhdf5.so.200", "libhdf5.so.200.2.0", "libhdf5_hl.so.200")
    (found,) = examine_environment(conda).findings
    assert (found.id, found.severity, found.confidence) == ("two-hdf5", Severity.DEGRADES, 0.5)
    assert found.aliases == ("hdf5-header-mismatch",)
    assert found.because == (
        f"h5py 3.11.0 uses {bundled}, and {conda / 'lib'} has libhdf5.so.200.2.0; a program that "
        "loads both stops, or reads wrong."
    )
    assert [each.text for each in found.remedies] == [
        (
            f"{UV} pip uninstall --python {conda / 'bin/python'} h5py && "
            f"conda install --prefix {conda} h5py"
        )
    ]


@pytest.mark.parametrize("there", ["libhdf5.so.310.4.0", "libhdf5.so", "libhdf5_hl.so.200.2.0"])
def test_the_same_hdf5_or_none_is_fine(conda: Path, there: str) -> None:
    put(conda / PLACE, "h5py", "3.11.0")
    hdf5(conda / PLACE / "h5py.libs", "libhdf5-4bd9f7a1.so.310.4.0")
    hdf5(conda / "lib", there)
    assert ids(conda) == []


def test_the_dylib_and_the_dll_are_known_too(tmp_path: Path) -> None:
    site = make_conda_prefix(tmp_path / "mac")
    put(site, "h5py", "3.11.0")
    hdf5(site / "h5py/.dylibs", "libhdf5.310.dylib")
    hdf5(tmp_path / "mac/lib", "libhdf5.200.dylib")
    assert ids(tmp_path / "mac") == ["two-hdf5"]
    site = make_conda_prefix(tmp_path / "windows", windows=True)
    put(site, "h5py", "3.11.0", files={"h5py/hdf5.dll": b"MZ"})
    hdf5(tmp_path / "windows/Library/bin")
    (tmp_path / "windows/Library/bin/hdf5.dll").write_bytes(b"MZ..")
    assert ids(tmp_path / "windows") == ["two-hdf5"]


@pytest.mark.parametrize(("rest", "cure"), [("", "unset {}"), ("/opt/cuda", "export {}=/opt/cuda")])
def test_a_library_path_with_another_hdf5_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str, cure: str
) -> None:
    site = make_venv(tmp_path / "env")
    (tmp_path / "env/bin/python").write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00")
    put(site, "h5py", "3.11.0")
    hdf5(site / "h5py.libs", "libhdf5-4bd9f7a1.so.310.4.0")
    hdf5(tmp_path / "system", "libhdf5.so.103.3.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", ":".join(filter(None, (rest, str(tmp_path / "system")))))
    (found,) = examine_environment(tmp_path / "env").findings
    assert found.because == (
        f"h5py 3.11.0 uses libhdf5-4bd9f7a1.so.310.4.0, and {tmp_path / 'system'} "
        "(LD_LIBRARY_PATH) has libhdf5.so.103.3.0; a program that loads both stops, or reads wrong."
    )
    assert found.remedies[0].text == cure.format("LD_LIBRARY_PATH")


def test_a_library_path_means_nothing_without_h5py_or_with_an_unknown_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_venv(tmp_path / "env")
    (tmp_path / "env/bin/python").write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00")
    hdf5(tmp_path / "system", "libhdf5.so.103.3.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "system"))
    assert ids(tmp_path / "env") == []
    put(site, "h5py", "3.11.0")
    assert ids(tmp_path / "env") == []


def test_a_finding_with_the_id_of_a_rule_has_its_title() -> None:
    titles = {rule.id: rule.title for rule in load().rules if rule.id in TITLES}
    assert titles.keys() == {"tf-stale-files-after-upgrade", "tf-two-owners", "user-site-leak"}
    assert titles == {name: TITLES[name] for name in titles}


def test_the_table_of_ids_is_complete() -> None:
    rows = (faults.__doc__ or "").split("=====\n")[2].splitlines()
    assert [row.split()[0] for row in rows if row[:1].isalpha()] == sorted(
        (*TITLES, CONFLICT, MISSING)
    )
