"""Which framework releases can be, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import DistributionFile
from envlock.resolve.candidate import (
    Candidate,
    Releases,
    admitted,
    candidates,
    distributions,
    framework,
)
from envlock.targets.tags import fits
from support.rules import TARGET, requirement, requirements

TENSORFLOW = canonicalize_name("tensorflow")
CPU, GPU = canonicalize_name("tensorflow-cpu"), canonicalize_name("tensorflow-gpu")


def listed(version: str, tag: str = "py3-none-any", **more: Any) -> DistributionFile:
    name = f"tensorflow-{version}-{tag}.whl" if tag else f"tensorflow-{version}.tar.gz"
    return DistributionFile(filename=name, url=f"https://example.org/{name}", hashes={}, **more)


def releases(*files: DistributionFile) -> Releases:
    grouped: dict[Version, list[DistributionFile]] = {}
    for file in files:
        version = file.filename.removesuffix(".tar.gz").split("-")[1]
        grouped.setdefault(Version(version), []).append(file)
    return grouped


def of(versions: str) -> Releases:
    return releases(*map(listed, versions.split()))


def told(anchors: Iterable[Candidate]) -> str:
    return " ".join(str(anchor.version) for anchor in anchors)


def test_the_framework_of_a_request_is_plain_tensorflow_before_its_kin() -> None:
    assert framework(requirements("numpy", "tensorflow-cpu", "tensorflow")) == requirement(
        "tensorflow"
    )
    assert framework(requirements("numpy", "tensorflow-cpu")) == requirement("tensorflow-cpu")
    assert framework(requirements("numpy")) is None


def test_the_newest_patch_of_each_minor_comes_before_older_patches() -> None:
    pages = {TENSORFLOW: of("2.9.0 2.9.3 2.10.0 2.10.1 2.11.0")}
    found = candidates(requirement("tensorflow"), pages, TARGET)
    assert told(found) == "2.11.0 2.10.1 2.9.3 2.10.0 2.9.0"
    kept = candidates(requirement("tensorflow"), pages, TARGET, [Version("2.10.0")])
    assert told(kept) == "2.10.0 2.11.0 2.10.1 2.9.3 2.9.0"


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ("tensorflow", "2.10.1"),
        ("tensorflow<2.10", "2.9.3"),
        ("tensorflow>=2.11.0rc0", "2.11.0rc1"),
        ("tensorflow==2.11.0rc1", "2.11.0rc1"),
        ("tensorflow>=2.10.2", "2.11.0rc1"),
        ("tensorflow>=3", ""),
    ],
)
def test_a_pre_release_is_for_those_who_name_one_or_leave_nothing_else(
    asked: str, versions: str
) -> None:
    pages = {TENSORFLOW: of("2.9.3 2.10.1 2.11.0rc1")}
    assert told(candidates(requirement(asked), pages, TARGET)[:1]) == versions


@pytest.mark.parametrize(
    ("asked", "versions"),
    [("tensorflow", "2.9"), ("tensorflow==2.10.0", "2.10"), ("tensorflow==2.10.*", "")],
)
def test_a_yanked_release_is_for_those_who_name_exactly_it(asked: str, versions: str) -> None:
    pages = releases(listed("2.9"), listed("2.10", yanked="broken"))
    assert " ".join(map(str, admitted(requirement(asked), pages))) == versions


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        (listed("2.10", "cp311-cp311-linux_x86_64"), True),
        (listed("2.10", "cp310-cp310-linux_x86_64"), False),
        (listed("2.10", "cp310.cp311-cp310.cp311-linux_x86_64"), True),
        (listed("2.10", "py3-none-any", requires_python=">=3.8"), True),
        (listed("2.10", "py3-none-any", requires_python="<3.11"), False),
        (listed("2.10", "py3-none-any", requires_python="not a range"), True),
        (listed("2.10", ""), True),
        (listed("2.10", "", requires_python="<3"), False),
        (replace(listed("2.10"), filename="tensorflow-2.10-odd.whl"), False),
    ],
)
def test_a_file_fits_by_its_tags_and_its_requires_python(
    *, file: DistributionFile, taken: bool
) -> None:
    assert fits(file, TARGET) is taken


def test_a_release_with_only_a_source_archive_is_no_candidate() -> None:
    pages = {TENSORFLOW: releases(listed("2.9"), listed("2.10", ""))}
    assert told(candidates(requirement("tensorflow"), pages, TARGET)) == "2.9"


def test_which_pages_are_read_depends_on_the_accelerator() -> None:
    asked = requirement("tensorflow")
    assert distributions(asked, Accelerator.AUTO) == (TENSORFLOW,)
    assert distributions(asked, Accelerator.CPU) == (CPU, TENSORFLOW)
    assert distributions(asked, Accelerator.CUDA) == (TENSORFLOW, GPU)
    assert distributions(requirement("tensorflow-gpu"), Accelerator.CPU) == (GPU,)


def test_the_cpu_build_comes_first_and_plain_tensorflow_with_a_note() -> None:
    target = replace(TARGET, accelerator=Accelerator.CPU)
    pages = {CPU: of("2.10.1"), TENSORFLOW: of("2.10.1 2.9.3")}
    found = candidates(requirement("tensorflow"), pages, target)
    assert [(str(each), each.note) for each in found] == [
        ("tensorflow-cpu==2.10.1", ""),
        ("tensorflow==2.10.1", "no tensorflow-cpu 2.10.1 can serve this request"),
        ("tensorflow==2.9.3", "no tensorflow-cpu 2.9.3 can serve this request"),
    ]


def test_cuda_is_the_extra_or_a_note_on_what_the_system_must_have() -> None:
    target = replace(TARGET, accelerator=Accelerator.CUDA)
    pages = {TENSORFLOW: of("2.20.0 2.12.1 1.14.0 1.0.0"), GPU: of("1.14.0 2.20.0")}
    found = candidates(requirement("tensorflow"), pages, target)
    notes = {str(each): each.note.partition(" brings no CUDA of its own: ")[2] for each in found}
    assert notes == {
        "tensorflow[and-cuda]==2.20.0": "",
        "tensorflow==2.12.1": "it needs CUDA 11.8 and cuDNN 8.6 from the system",
        "tensorflow-gpu==1.14.0": "it needs CUDA 10.0 and cuDNN 7.4 from the system",
        "tensorflow==1.0.0": "its CUDA is not on record",
    }


def test_a_distribution_that_is_named_is_taken_whatever_the_accelerator() -> None:
    target = replace(TARGET, accelerator=Accelerator.CPU)
    found = candidates(requirement("tensorflow-gpu[more]"), {GPU: of("2.10.1")}, target)
    assert [str(each) for each in found] == ["tensorflow-gpu[more]==2.10.1"]
