"""The base image follows from the lock: its Python, its TensorFlow, who brings CUDA."""

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.docker.bases import BaseWish, choose
from envlock.errors import UsageError

OWN = "--base NAME:TAG, an image of your own with CUDA {} and cuDNN {}"
PLAIN = BaseWish(python="3.11", machines=("amd64",))


def wish(version: str, python: str = "3.8", **changes: object) -> BaseWish:
    asked = replace(PLAIN, framework=Version(version), python=python)
    return replace(asked, **changes)


@pytest.mark.parametrize(
    ("python", "tag"),
    [("3.6", "bullseye"), ("3.7", "bookworm"), ("3.13", "bookworm"), ("3.14", "trixie")],
)
def test_without_a_word_it_is_a_slim_python_on_a_debian_that_has_it(python: str, tag: str) -> None:
    assert str(choose(replace(PLAIN, python=python)).image) == f"python:{python}-slim-{tag}"


@pytest.mark.parametrize(
    ("version", "python", "image"),
    [
        ("2.4.4", "3.8", "nvidia/cuda:11.0.3-cudnn8-runtime-ubuntu20.04"),
        ("2.10.1", "3.8", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("2.13.1", "3.10", "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"),
        ("2.15.0", "3.10", "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"),
        ("2.20.0", "3.12", "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04"),
    ],
)
def test_cuda_that_the_lock_does_not_bring_comes_from_the_releases_row(
    version: str, python: str, image: str
) -> None:
    base = choose(wish(version, python, accelerator=Accelerator.CUDA))
    assert str(base.image) == image
    assert base.packages == ("python3", "python3-venv")
    assert choose(wish(version, python, word="cuda")) == base


def test_cuda_that_the_lock_brings_needs_no_base_of_nvidia() -> None:
    base = choose(wish("2.15.1", "3.11", accelerator=Accelerator.CUDA, brings_cuda=True))
    assert (str(base.image), base.notes) == ("python:3.11-slim-bookworm", ())


def test_cuda_twice_and_cuda_nowhere_are_told() -> None:
    cuda = {"accelerator": Accelerator.CUDA}
    (twice,) = choose(wish("2.15.1", "3.10", word="cuda", brings_cuda=True, **cuda)).notes
    (nowhere,) = choose(wish("2.10.1", word="slim", **cuda)).notes
    assert twice == (
        "CUDA is in the lock and in the base: without --accelerator cuda the base's is used"
    )
    assert nowhere == (
        "neither the lock nor the base brings CUDA: TensorFlow will use the processor"
    )


@pytest.mark.parametrize(
    ("asked", "message", "remedies"),
    [
        (
            wish("2.10.1", "3.10", word="cuda"),
            (
                "--base cuda: the images with CUDA 11.2 for TensorFlow 2.10.1 are Ubuntu 20.04,"
                " whose Python is 3.8; the lock is for 3.10"
            ),
            ("--python 3.8", OWN.format("11.2", "8.1"), "--base slim"),
        ),
        (
            wish("2.16.1", "3.10", word="cuda"),
            (
                "--base cuda: TensorFlow 2.16.1 was tested with CUDA 12.3 and cuDNN 8.9, and there"
                " is no image for that: the images of CUDA 12.3 have cuDNN 9, and this release"
                " asks for cuDNN 8"
            ),
            (OWN.format("12.3", "8.9"), "--base slim"),
        ),
        (
            wish("1.15.5", "3.7", accelerator=Accelerator.CUDA),
            (
                "--accelerator cuda: TensorFlow 1.15.5 was tested with CUDA 10.0 and cuDNN 7.4, and"
                " there is no image for that: NVIDIA deleted the images of CUDA 10 from the"
                " registries in 2023"
            ),
            (OWN.format("10.0", "7.4"), "--base slim"),
        ),
        (
            wish("3.0.0", word="cuda"),
            "--base cuda: which CUDA TensorFlow 3.0.0 was tested with is not known here",
            ("--base NAME:TAG, an image of your own with CUDA and cuDNN", "--base slim"),
        ),
        (
            wish("2.10.1", word="cuda", machines=("amd64", "arm64")),
            "--base cuda: TensorFlow has builds for NVIDIA's GPUs on linux/amd64 only",
            ("--base slim", "--platform linux/amd64"),
        ),
        (
            replace(PLAIN, word="tensorflow"),
            "--base tensorflow: there is no TensorFlow in the lock to choose an image for",
            ("--base slim",),
        ),
        (
            wish("2.15.1", word="tensorflow"),
            (
                "--base tensorflow: there is no image tensorflow/tensorflow:2.15.1"
                " (https://github.com/rlan/notebooks/issues, read 2026-11-25)"
            ),
            ("--base slim", "2.15.0 has an image: ask for tensorflow==2.15.0"),
        ),
    ],
)
def test_a_base_that_there_is_not_is_refused_with_a_way_on(
    asked: BaseWish, message: str, remedies: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as raised:
        choose(asked)
    assert (raised.value.message, raised.value.remedies) == (message, remedies)


@pytest.mark.parametrize(
    ("version", "accelerator", "tag"),
    [
        ("2.15.0", Accelerator.AUTO, "2.15.0"),
        ("2.15.0", Accelerator.CUDA, "2.15.0-gpu"),
        ("2.1.0", Accelerator.CPU, "2.1.0-py3"),
        ("2.1.1", Accelerator.CUDA, "2.1.1-gpu"),
        ("1.15.5", Accelerator.AUTO, "1.15.5"),
        ("1.14.0", Accelerator.CUDA, "1.14.0-gpu-py3"),
    ],
)
def test_the_image_of_the_tensorflow_team_is_that_of_the_release(
    version: str, accelerator: Accelerator, tag: str
) -> None:
    base = choose(wish(version, word="tensorflow", accelerator=accelerator, kept=True))
    assert (str(base.image), base.notes) == (f"tensorflow/tensorflow:{tag}", ())


def test_an_image_of_ones_own_is_taken_with_its_digest() -> None:
    digest = f"sha256:{'a' * 64}"
    base = choose(replace(PLAIN, word="ghcr.io/me/base:7", digest=digest))
    assert (str(base.image), base.named) == (f"ghcr.io/me/base:7@{digest}", True)
    assert str(choose(replace(PLAIN, digest=digest)).image).endswith(f"bookworm@{digest}")
