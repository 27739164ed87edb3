"""The shipped release data: complete, consistent, sorted, and true where it can be spotted."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.releases import minor_key
from envlock_constraints import __file__ as package
from tools.release_data import FILES, OLDEST, rendered

FOLDER = Path(package).parent / "releases"
DATA: dict[str, dict[str, dict[str, Any]]] = {
    name: json.loads((FOLDER / f"{name}.json").read_text()) for name in FILES
}
ENTRIES = [
    (name, version, entry) for name, releases in DATA.items() for version, entry in releases.items()
]
SYSTEM = re.compile(r"(linux|macos|windows)-(x86_64|aarch64|arm64|i686|x86)")
FLOOR = re.compile(r"(glibc|musl|macos) \d+\.\d+|windows")

KNOWN_RELEASES = [
    "1.13.1",
    "1.13.2",
    "1.14.0",
    "1.15.0",
    "1.15.2",
    "1.15.3",
    "1.15.4",
    "1.15.5",
    "2.0.0",
    "2.0.1",
    "2.0.2",
    "2.0.3",
    "2.0.4",
    "2.1.0",
    "2.1.1",
    "2.1.2",
    "2.1.3",
    "2.1.4",
    "2.2.0",
    "2.2.1",
    "2.2.2",
    "2.2.3",
    "2.3.0",
    "2.3.1",
    "2.3.2",
    "2.3.3",
    "2.3.4",
    "2.4.0",
    "2.4.1",
    "2.4.2",
    "2.4.3",
    "2.4.4",
    "2.5.0",
    "2.5.1",
    "2.5.2",
    "2.5.3",
    "2.6.0",
    "2.6.1",
    "2.6.2",
    "2.6.3",
    "2.6.4",
    "2.6.5",
    "2.7.0",
    "2.7.1",
    "2.7.2",
    "2.7.3",
    "2.7.4",
    "2.8.0",
    "2.8.1",
    "2.8.2",
    "2.8.3",
    "2.8.4",
    "2.9.0",
    "2.9.1",
    "2.9.2",
    "2.9.3",
    "2.10.0",
    "2.10.1",
    "2.11.0",
    "2.11.1",
    "2.12.0",
    "2.12.1",
    "2.13.0",
    "2.13.1",
    "2.14.0",
    "2.14.1",
    "2.15.0",
    "2.15.0.post1",
    "2.15.1",
    "2.16.1",
    "2.16.2",
    "2.17.0",
    "2.17.1",
    "2.18.0",
    "2.18.1",
    "2.19.0",
    "2.19.1",
    "2.20.0",
    "2.21.0",
]


def test_every_tensorflow_release_is_there() -> None:
    assert list(DATA["tensorflow"])[: len(KNOWN_RELEASES)] == KNOWN_RELEASES


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sorted_and_has_the_text_that_the_generator_writes(name: str) -> None:
    versions = list(map(Version, DATA[name]))
    assert versions == sorted(versions)
    assert versions[0] == OLDEST[name]
    assert (FOLDER / f"{name}.json").read_text() == rendered(DATA[name])


def test_an_entry_keeps_to_its_form() -> None:
    form = ("date", "requires_python", "wheels", "requires", "yanked", "hdf5", "extras")
    for name, version, entry in ENTRIES:
        assert list(entry) == [key for key in form if key in entry], (name, version)
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry["date"]), (name, version)
        SpecifierSet(entry["requires_python"])
        assert ("hdf5" in entry) == (name == "h5py")
        assert not Version(version).is_prerelease, name
        assert entry["wheels"][name], version


def test_wheels_name_known_distributions_systems_and_pythons_in_order() -> None:
    for name, version, entry in ENTRIES:
        assert list(entry["wheels"]) == [d for d in FILES[name] if d in entry["wheels"]], version
        for platforms in entry["wheels"].values():
            assert list(platforms) == sorted(platforms), (name, version)
            for platform, floors in platforms.items():
                assert SYSTEM.fullmatch(platform), (name, version)
                for floor, minors in floors.items():
                    assert FLOOR.fullmatch(floor), (name, version)
                    assert minors == sorted(set(minors), key=minor_key), (name, version)
                    assert all(re.fullmatch(r"[23]\.\d+t?", minor) for minor in minors)


def test_every_wheel_has_its_requirements_and_only_wheels_have() -> None:
    for name, version, entry in ENTRIES:
        with_wheels = {(d, p) for d, platforms in entry["wheels"].items() for p in platforms}
        told = [
            (distribution, platform)
            for group in entry["requires"]
            for distribution, platforms in group["of"].items()
            for platform in platforms
        ]
        assert sorted(told) == sorted(with_wheels), (name, version)
        for lines in (*(g["needs"] for g in entry["requires"]), *entry.get("extras", {}).values()):
            needs = list(map(Requirement, lines))
            assert all(item.name == canonicalize_name(item.name) for item in needs)
            in_order = sorted(needs, key=lambda each: (each.name, str(each)))
            assert lines == [str(each) for each in in_order], (name, version)


def test_the_cuda_table_has_one_row_for_each_release() -> None:
    table = json.loads((FOLDER / "cuda.json").read_text())
    rows = [SpecifierSet(row["tensorflow"]) for row in table["rows"]]
    for version in KNOWN_RELEASES:
        assert sum(Version(version) in row for row in rows) == 1, version


def test_the_cuda_of_the_table_is_that_of_the_and_cuda_wheels() -> None:
    rows = json.loads((FOLDER / "cuda.json").read_text())["rows"]
    for version, entry in DATA["tensorflow"].items():
        pins = list(map(Requirement, entry.get("extras", {}).get("and-cuda", ())))
        (row,) = (row for row in rows if Version(version) in SpecifierSet(row["tensorflow"]))
        for pin in pins:
            if pin.name.startswith("nvidia-cuda-runtime-cu"):
                assert any(s.version.startswith(row["cuda"] + ".") for s in pin.specifier), version
            if pin.name.startswith("nvidia-cudnn-cu"):
                assert any(s.version.startswith(row["cudnn"] + ".") for s in pin.specifier), version


def test_every_row_of_the_cuda_table_has_an_image_or_a_reason_why_not() -> None:
    rows = json.loads((FOLDER / "cuda.json").read_text())["rows"]
    images = json.loads((FOLDER / "images.json").read_text())["cuda"]
    refused = {each["cuda"] for each in images["refused"]}
    offered = {(each["cuda"], each["cudnn"]) for each in images["rows"]}
    for row in rows:
        assert (row["cuda"] in refused) != ((row["cuda"], row["cudnn"]) in offered), row
    for image in images["rows"]:
        assert image["tag"].startswith(image["cuda"].partition(".")[0] + ".")
        assert set(image["ubuntu"]) <= set(images["ubuntu-python"])
