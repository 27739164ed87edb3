"""What the release data answer: wheels, Pythons, declared ranges, CUDA."""

from datetime import date

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.model import Platform, Target
from envlock.releases import (
    and_cuda,
    cuda_row,
    declared,
    distributions,
    framework_releases,
    h5py_releases,
    newest_for,
    pythons_for,
    release,
    wheels_for,
)
from envlock.targets.platforms import NamedPlatform, foreign_target, marker_environment

LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")
OLD_LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.17")
ALPINE = Platform(system="linux", machine="x86_64", libc="musl 1.2")
GRAVITON = Platform(system="linux", machine="aarch64", libc="glibc 2.36")
INTEL_MAC = Platform(system="macos", machine="x86_64")
APPLE = Platform(system="macos", machine="arm64")
WINDOWS = Platform(system="windows", machine="x86_64")
UNKNOWN = Version("99.0")


def target(platform: Platform, minor: str) -> Target:
    return foreign_target(NamedPlatform(platform=platform, option=""), Version(f"{minor}.1"))


def test_releases_come_newest_last_and_hold_what_the_index_says() -> None:
    versions = [item.version for item in framework_releases()]
    assert versions == sorted(versions)
    found = release(Version("2.21.0"))
    assert found is not None
    assert found.date == date(2026, 3, 6)
    assert found.requires_python == SpecifierSet(">=3.10")
    assert found.yanked == ""
    assert found.wheels["tensorflow"]["linux-x86_64"] == {
        "glibc 2.27": ["3.10", "3.11", "3.12", "3.13"]
    }


def test_h5py_releases_tell_the_yanked_one_and_the_hdf5_inside() -> None:
    found = {str(item.version): item for item in h5py_releases()}
    assert {v: item.yanked for v, item in found.items() if item.yanked} == {
        "3.12.0": "Prevalent import errors on Windows"
    }
    some = {v: found[v].hdf5 for v in ("2.7.1", "2.10.0", "3.1.0", "3.14.0", "3.16.0")}
    assert list(some.values()) == ["1.8", "1.10", "1.12", "1.14", "2.0"]
    assert list(found["3.16.0"].wheels["h5py"]["linux-x86_64"]) == ["glibc 2.28", "musl 1.2"]


@pytest.mark.parametrize(
    ("version", "newest"),
    [
        ("1.13.1", "3.7"),
        ("2.1.4", "3.7"),
        ("2.4.4", "3.8"),
        ("2.7.4", "3.9"),
        ("2.11.1", "3.10"),
        ("2.15.1", "3.11"),
        ("2.19.1", "3.12"),
        ("2.21.0", "3.13"),
    ],
)
def test_wheels_of_a_release_stop_at_a_python(version: str, newest: str) -> None:
    pythons = pythons_for(Version(version), LINUX)
    assert pythons is not None
    assert pythons[-1] == newest


def test_a_shell_whose_contents_were_not_published_counts_as_no_wheel() -> None:
    found = release(Version("2.11.1"))
    assert found is not None
    minors = {"glibc 2.17": ["3.8", "3.9", "3.10"]}
    assert found.wheels["tensorflow"]["linux-aarch64"] == minors
    assert found.wheels["tensorflow-cpu-aws"]["linux-aarch64"] == {"glibc 2.17": ["3.7"]}
    assert pythons_for(found.version, GRAVITON) == ()


def test_a_distribution_that_asks_for_itself_declares_nothing_else() -> None:
    found = release(Version("2.15.1"))
    assert found is not None
    assert found.needs["tensorflow-macos", "macos-arm64"] == (
        'tensorflow-macos==2.15.1; platform_system == "Darwin" and platform_machine == "arm64"',
    )
    assert declared(found.version, "numpy", target(APPLE, "3.11"), "tensorflow-macos") is None


def test_pythons_of_a_release_depend_on_the_platform() -> None:
    assert pythons_for(Version("2.15.0"), LINUX) == ("3.9", "3.10", "3.11")
    assert pythons_for(Version("2.15.0.post1"), WINDOWS) == ()
    assert pythons_for(Version("3.9.0"), ALPINE, "h5py") == ()
    assert pythons_for(Version("3.16.0"), OLD_LINUX, "h5py") == ()


@pytest.mark.parametrize(
    ("minor", "platform", "distribution", "expected"),
    [
        ("3.6", LINUX, "tensorflow", "2.6.2"),
        ("3.9", LINUX, "tensorflow", "2.20.0"),
        ("3.13", LINUX, "tensorflow", "2.21.0"),
        ("3.13", OLD_LINUX, "tensorflow", "2.20.0"),
        ("3.12", INTEL_MAC, "tensorflow", "2.16.2"),
        ("3.8", APPLE, "tensorflow", "2.13.0"),
        ("3.8", WINDOWS, "tensorflow-cpu", "2.13.0"),
        ("3.10", WINDOWS, "tensorflow-gpu", "2.10.1"),
        ("3.12", OLD_LINUX, "h5py", "3.14.0"),
        ("3.13", ALPINE, "h5py", "3.16.0"),
    ],
)
def test_the_newest_release_for_a_python_is_told_without_a_network(
    minor: str, platform: Platform, distribution: str, expected: str
) -> None:
    assert newest_for(minor, platform, distribution) == Version(expected)


def test_a_yanked_release_is_never_the_newest() -> None:
    versions = wheels_for("3.9", LINUX, "h5py").versions
    assert Version("3.12.1") in versions
    assert Version("3.12.0") not in versions


@pytest.mark.parametrize(
    ("minor", "platform", "sentence"),
    [
        ("3.9", INTEL_MAC, "wheels for CPython 3.9 on macos-x86_64 from 2.5.0 to 2.16.2"),
        (
            "3.14",
            WINDOWS,
            "no wheel for CPython 3.14 on windows-x86_64: its wheels there end at 3.13",
        ),
        (
            "3.7",
            APPLE,
            "no wheel for CPython 3.7 on macos-arm64: its wheels there start at 3.8",
        ),
        ("3.11", ALPINE, "no wheel for linux-x86_64 with musl 1.2"),
    ],
)
def test_a_range_of_wheels_is_a_sentence(minor: str, platform: Platform, sentence: str) -> None:
    assert str(wheels_for(minor, platform)) == f"tensorflow has {sentence}"


@pytest.mark.parametrize(
    ("version", "platform", "minor", "expected"),
    [
        ("2.15.0", LINUX, "3.11", ("tensorflow", "tensorflow-cpu")),
        ("2.15.0", WINDOWS, "3.11", ("tensorflow", "tensorflow-cpu", "tensorflow-intel")),
        ("2.15.0", APPLE, "3.11", ("tensorflow", "tensorflow-macos")),
        ("2.15.0", GRAVITON, "3.11", ("tensorflow", "tensorflow-cpu-aws")),
        ("2.15.0", LINUX, "3.12", ()),
        ("2.10.0", LINUX, "3.7", ("tensorflow", "tensorflow-cpu", "tensorflow-gpu")),
    ],
)
def test_distributions_are_those_with_a_wheel_for_the_python(
    version: str, platform: Platform, minor: str, expected: tuple[str, ...]
) -> None:
    assert distributions(Version(version), platform, minor) == expected


@pytest.mark.parametrize("platform", [LINUX, GRAVITON, INTEL_MAC, APPLE, WINDOWS], ids=str)
@pytest.mark.parametrize(
    ("version", "package", "expected"),
    [
        ("2.14.0", "numpy", ">=1.23.5"),
        ("2.14.1", "numpy", ">=1.23.5,<2.0.0"),
        ("2.15.0", "h5py", ">=2.9.0"),
        ("2.16.1", "keras", ">=3.0.0"),
    ],
)
def test_declared_ranges_are_read_through_empty_shells(
    platform: Platform, version: str, package: str, expected: str
) -> None:
    found = declared(Version(version), package, target(platform, "3.11"))
    assert found == SpecifierSet(expected)


@pytest.mark.parametrize(
    ("version", "package", "minor", "expected"),
    [
        ("2.4.4", "h5py", "3.8", "~=2.10.0"),
        ("2.16.1", "numpy", "3.11", ">=1.23.5,<2.0.0"),
        ("2.16.1", "numpy", "3.12", ">=1.26.0,<2.0.0"),
        ("2.1.0", "scipy", "3.7", "==1.4.1"),
        ("2.21.0", "h5py", "3.13", ">=3.11.0,<3.15.0"),
        ("2.21.0", "tensorboard", "3.13", None),
        ("1.15.3", "h5py", "3.7", None),
    ],
)
def test_markers_are_judged_for_the_python_of_the_target(
    version: str, package: str, minor: str, expected: str | None
) -> None:
    found = declared(Version(version), package, target(LINUX, minor))
    assert found == (None if expected is None else SpecifierSet(expected))


def test_other_distributions_and_h5py_declare_for_themselves() -> None:
    windows = target(WINDOWS, "3.8")
    estimator = SpecifierSet(">=2.3.0,<2.4.0")
    assert declared(Version("2.3.4"), "tensorflow-estimator", windows) == estimator
    assert declared(Version("2.3.4"), "tensorflow-estimator", windows, "tensorflow-gpu") is None
    apple = target(APPLE, "3.10")
    assert declared(Version("2.10.0"), "protobuf", apple) is None
    old = declared(Version("2.10.0"), "protobuf", apple, "tensorflow-macos")
    assert old == SpecifierSet(">=3.9.2,<3.20")
    numpy = declared(Version("3.1.0"), "numpy", target(LINUX, "3.8"), "h5py")
    assert numpy == SpecifierSet(">=1.17.5")


@pytest.mark.parametrize(
    ("version", "cuda", "cudnn"),
    [
        ("1.15.5", "10.0", "7.4"),
        ("2.0.0", "10.0", "7.4"),
        ("2.10.1", "11.2", "8.1"),
        ("2.15.0.post1", "12.2", "8.9"),
        ("2.21.0", "12.5", "9.3"),
    ],
)
def test_a_release_has_its_cuda_row(version: str, cuda: str, cudnn: str) -> None:
    row = cuda_row(Version(version))
    assert row is not None
    assert (row.cuda, row.cudnn) == (cuda, cudnn)
    assert row.source == "https://github.com/tensorflow/docs/blob/7c36502/site/en/install/source.md"


TENSORRT_85 = "it pins tensorrt==8.5.3.1, which has wheels for CPython 3.6 to 3.10 only"
TENSORRT_86 = "it pins tensorrt-libs==8.6.1, which the package index does not have"


@pytest.mark.parametrize(
    ("version", "minor", "cuda", "refusal"),
    [
        ("2.14.0", None, "11", ""),
        ("2.14.1", "3.10", "11", ""),
        ("2.14.1", "3.11", "11", TENSORRT_85),
        ("2.15.0", None, "12", TENSORRT_86),
        ("2.15.0", "3.9", "12", TENSORRT_86),
        ("2.15.0.post1", "3.11", "12", ""),
        ("2.21.0", "3.13", "12", ""),
    ],
)
def test_the_and_cuda_extra_says_whether_it_can_be_installed(
    version: str, minor: str | None, cuda: str, refusal: str
) -> None:
    facts = and_cuda(Version(version), minor)
    assert facts is not None
    assert (facts.cuda, facts.refusal, facts.installable) == (cuda, refusal, not refusal)
    assert f"nvidia-cudnn-cu{cuda}" in {item.name for item in facts.requirements}


def test_a_release_without_the_extra_has_no_and_cuda_facts() -> None:
    assert and_cuda(Version("2.13.1")) is None


def test_a_version_newer_than_the_data_is_answered_with_none() -> None:
    assert release(UNKNOWN) is None
    assert distributions(UNKNOWN, LINUX, "3.13") is None
    assert pythons_for(UNKNOWN, LINUX) is None
    assert declared(UNKNOWN, "numpy", target(LINUX, "3.13")) is None
    assert cuda_row(UNKNOWN) is None
    assert and_cuda(UNKNOWN, "3.13") is None


def test_a_platform_without_wheels_is_answered_with_nothing() -> None:
    exotic = Platform(system="linux", machine="riscv64")
    assert newest_for("3.12", exotic) is None
    assert str(wheels_for("3.12", exotic)) == "tensorflow has no wheel for linux-riscv64"
    assert declared(Version("2.21.0"), "numpy", target(exotic, "3.12")) is None


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (LINUX, ("posix", "Linux", "linux", "x86_64")),
        (APPLE, ("posix", "Darwin", "darwin", "arm64")),
        (WINDOWS, ("nt", "Windows", "win32", "AMD64")),
    ],
    ids=str,
)
def test_a_marker_environment_speaks_as_the_platform_does(
    platform: Platform, expected: tuple[str, ...]
) -> None:
    found = marker_environment(platform, "3.12")
    keys = ("os_name", "platform_system", "sys_platform", "platform_machine")
    assert tuple(found[key] for key in keys) == expected
    assert found["python_version"] == "3.12"
