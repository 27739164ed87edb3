"""The generator of the release data, on a small sample of records and a local index."""

import json
import shutil
from pathlib import Path

import pytest

from envlock_constraints import __file__ as package
from support.simple_index import SimpleIndex, build_wheel
from tools.release_data import Data, File, wheel_table
from tools.update_releases import main

SAMPLE = Path(__file__).parent / "data"
SHIPPED = Path(package).parent / "releases"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the shipped data."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "releases"))


def read(folder: Path, name: str) -> Data:
    data: Data = json.loads((folder / f"{name}.json").read_text())
    return data


def test_the_shipped_data_say_what_the_records_say(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--from-metadata", str(SAMPLE), "--data", str(shipped), "--check"]) == 0
    assert capsys.readouterr().out == "nothing to change\n"


def test_from_nothing_the_records_give_sorted_data_and_a_second_run_changes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--from-metadata", str(SAMPLE), "--data", str(tmp_path)]
    assert main(words) == 0
    assert capsys.readouterr().out == (
        "tensorflow 1.13.1: new\n"
        "tensorflow 2.15.0: new\n"
        "tensorflow 2.21.0: new\n"
        "h5py 3.12.0: new\n"
        "h5py 3.16.0: new\n"
    )
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(first) == {"tensorflow.json", "h5py.json"}
    assert main([*words, "--check"]) == 0
    assert main(words) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_check_tells_what_would_change_and_writes_nothing(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensorflow = shipped / "tensorflow.json"
    stale = tensorflow.read_text().replace('"2023-11-14"', '"2023-11-15"')
    tensorflow.write_text(stale)
    assert main(["--from-metadata", str(SAMPLE), "--data", str(shipped), "--check"]) == 1
    assert capsys.readouterr().out == "tensorflow 2.15.0: date changed\n"
    assert tensorflow.read_text() == stale


def test_what_the_records_do_not_speak_of_stays(shipped: Path) -> None:
    before = read(shipped, "tensorflow")
    (shipped / "tensorflow.json").write_text(json.dumps({**before, "2.15.0": {}}))
    main(["--from-metadata", str(SAMPLE), "--data", str(shipped)])
    after = read(shipped, "tensorflow")
    assert {**after, "2.15.0": None} == {**before, "2.15.0": None}
    assert set(after["2.15.0"]["wheels"]) == {"tensorflow", "tensorflow-intel", "tensorflow-macos"}


def test_a_folder_without_records_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--from-metadata", str(tmp_path), "--data", str(tmp_path)]) == 2
    told = f"error: {tmp_path}: no *-release-metadata.json file here\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("python", "abi", "platform", "expected"),
    [
        ("cp311", "cp311", "win_amd64", {"windows-x86_64": {"windows": ["3.11"]}}),
        ("cp27", "cp27mu", "manylinux1_x86_64", {"linux-x86_64": {"glibc 2.5": ["2.7"]}}),
        (
            "cp310",
            "cp310",
            "manylinux_2_27_aarch64.manylinux_2_28_aarch64",
            {"linux-aarch64": {"glibc 2.27": ["3.10"]}},
        ),
        (
            "cp39",
            "cp39",
            "manylinux_2_17_x86_64.manylinux2014_x86_64",
            {"linux-x86_64": {"glibc 2.17": ["3.9"]}},
        ),
        ("cp314", "cp314t", "musllinux_1_2_x86_64", {"linux-x86_64": {"musl 1.2": ["3.14t"]}}),
        (
            "cp36",
            "cp36m",
            "macosx_10_6_intel.macosx_10_9_x86_64",
            {"macos-x86_64": {"macos 10.6": ["3.6"]}},
        ),
        (
            "cp312",
            "abi3",
            "macosx_11_0_universal2",
            {
                "macos-arm64": {"macos 11.0": ["3.12", "3.13", "3.14"]},
                "macos-x86_64": {"macos 11.0": ["3.12", "3.13", "3.14"]},
            },
        ),
        ("cp27", "cp27m", "win32", {"windows-x86": {"windows": ["2.7"]}}),
        ("pp39", "pypy39_pp73", "win_amd64", {}),
    ],
)
def test_tags_become_platforms_oldest_systems_and_minors(
    python: str, abi: str, platform: str, expected: dict[str, dict[str, list[str]]]
) -> None:
    file: File = {"python": python, "abi": abi, "platform": platform}
    assert wheel_table([file]) == expected


ON_THE_INDEX = {
    "tensorflow-2.15.0": "manylinux_2_17_x86_64",
    "tensorflow-cpu-2.15.0": "manylinux_2_17_x86_64",
    "tensorflow-gpu-2.10.1": "manylinux_2_17_x86_64",
    "tensorflow-intel-2.15.0": "win_amd64",
    "tensorflow-macos-2.15.0": "macosx_12_0_arm64",
    "tensorflow-cpu-aws-2.15.0": "manylinux_2_17_aarch64",
    "h5py-3.16.0": "manylinux_2_28_x86_64",
}


def live(index: SimpleIndex, data: Path, *words: str) -> int:
    return main(["--live", "--index-url", index.url, "--data", str(data), *words])


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """One wheel of each distribution."""
    folder = tmp_path / "wheels"
    for release, platform in ON_THE_INDEX.items():
        name, _, version = release.rpartition("-")
        build_wheel(folder, name, version, tag=f"cp310-cp310-{platform}")
    return folder


def test_a_release_that_the_index_has_and_the_data_have_not_is_added(
    shipped: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = build_wheel(
        wheels,
        "tensorflow",
        "99.1.0",
        tag="cp313-cp313-manylinux_2_28_x86_64",
        requires_python=">=3.11",
        requires=[
            "NumPy (<3,>=2)",
            "tensorflow-intel==99.1.0; platform_system == 'Windows'",
            "enum34; python_version < '3.4'",
            "nvidia-cublas-cu13>=13; extra == 'and-cuda'",
        ],
        extras=["and-cuda"],
    )
    times = dict.fromkeys((path.name for path in wheels.iterdir()), "2027-03-04T05:06:07Z")
    with SimpleIndex(wheels, upload_times=times, yanked={wheel.name: "a bad build"}) as index:
        assert live(index, shipped, "--check") == 1
        assert "tensorflow 99.1.0: new\n" in capsys.readouterr().out
        assert live(index, shipped) == 0
        assert live(index, shipped, "--check") == 0
        assert index.downloads == ()
    assert read(shipped, "tensorflow")["99.1.0"] == {
        "date": "2027-03-04",
        "requires_python": ">=3.11",
        "wheels": {"tensorflow": {"linux-x86_64": {"glibc 2.28": ["3.13"]}}},
        "requires": [{"of": {"tensorflow": ["linux-x86_64"]}, "needs": ["numpy<3,>=2"]}],
        "yanked": "a bad build",
        "extras": {"and-cuda": ["nvidia-cublas-cu13>=13"]},
    }


def test_an_index_without_a_distribution_is_refused_and_nothing_is_written(
    shipped: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in wheels.glob("tensorflow_cpu-*"):
        path.unlink()
    before = {path.name: path.read_bytes() for path in shipped.iterdir()}
    times = dict.fromkeys((path.name for path in wheels.iterdir()), "2027-03-04T05:06:07Z")
    with SimpleIndex(wheels, upload_times=times) as index:
        assert live(index, shipped) == 4
        told = f"error: {index.url}: no release of tensorflow-cpu found\n"
        assert capsys.readouterr().err == told
    assert {path.name: path.read_bytes() for path in shipped.iterdir()} == before
