from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import CondaSpec, Platform, Request, Requested, Target
from envlock.request.digest import conda_digest, recorded, request_digest

TARGET = Target(
    python=Version("3.10.13"),
    platform=Platform(system="linux", machine="x86_64", libc="glibc 2.36"),
)


def wishes(*texts: str, origin: str = "command line") -> tuple[Requested, ...]:
    return tuple(Requested(requirement=Requirement(text), origin=origin) for text in texts)


REQUEST = Request(
    requirements=wishes("tensorflow[and-cuda,extra]>=2.10,<2.12", "h5py; python_version<'3.11'"),
    constraints=wishes("numpy<2"),
)


def test_the_digest_is_that_of_a_canonical_text() -> None:
    text = """\
python 3.10
platform linux-x86_64
accelerator auto auto
exclude-newer nothing
requirement h5py; python_version < "3.11"
requirement tensorflow[and-cuda,extra]<2.12,>=2.10
constraint numpy<2"""
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert request_digest(REQUEST, [TARGET]) == f"sha256:{digest}"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            replace(REQUEST, requirements=REQUEST.requirements[::-1]), id="order of requirements"
        ),
        pytest.param(
            replace(
                REQUEST,
                requirements=wishes(
                    "tensorflow[and-cuda,extra]>=2.10,<2.12",
                    "h5py; python_version<'3.11'",
                    origin="requirements.in:3",
                ),
            ),
            id="origin",
        ),
        pytest.param(
            replace(
                REQUEST,
                requirements=wishes(
                    "TensorFlow [Extra, and_cuda] < 2.12, >= 2.10", 'h5py ; python_version < "3.11"'
                ),
            ),
            id="spelling",
        ),
        pytest.param(replace(REQUEST, requirements=REQUEST.requirements * 2), id="said twice"),
    ],
)
def test_the_digest_does_not_depend_on(request_: Request) -> None:
    assert request_digest(request_, [TARGET]) == request_digest(REQUEST, [TARGET])


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(replace(TARGET, python=Version("3.10.2")), id="the patch"),
        pytest.param(replace(TARGET, interpreter=Path("/usr/bin/python3")), id="the path"),
        pytest.param(replace(TARGET, tags=("py3-none-any",), markers={"a": "b"}), id="the tags"),
        pytest.param(
            replace(TARGET, platform=Platform(system="linux", machine="x86_64")), id="the libc"
        ),
    ],
)
def test_of_the_interpreter_the_digest_does_not_see(target: Target) -> None:
    assert request_digest(REQUEST, [target]) == request_digest(REQUEST, [TARGET])


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        pytest.param(replace(REQUEST, requirements=wishes("h5py")), TARGET, id="a wish less"),
        pytest.param(
            replace(REQUEST, requirements=wishes("tensorflow>=2.10,<2.12", "h5py")),
            TARGET,
            id="extras and markers",
        ),
        pytest.param(
            replace(REQUEST, requirements=wishes(*"ab"), constraints=wishes(*"c")),
            TARGET,
            id="other wishes",
        ),
        pytest.param(replace(REQUEST, constraints=()), TARGET, id="a constraint less"),
        pytest.param(replace(REQUEST, accelerator=Accelerator.CPU), TARGET, id="accelerator"),
        pytest.param(
            replace(REQUEST, exclude_newer=datetime(2024, 1, 1, tzinfo=UTC)), TARGET, id="date"
        ),
        pytest.param(REQUEST, replace(TARGET, python=Version("3.11.13")), id="python"),
        pytest.param(
            REQUEST,
            replace(TARGET, platform=Platform(system="macos", machine="arm64")),
            id="platform",
        ),
        pytest.param(REQUEST, replace(TARGET, accelerator=Accelerator.CUDA), id="build"),
    ],
)
def test_the_digest_depends_on(request_: Request, target: Target) -> None:
    assert request_digest(request_, [target]) != request_digest(REQUEST, [TARGET])


def test_a_wish_is_not_a_constraint() -> None:
    wish = Request(requirements=wishes("numpy<2"))
    bound = Request(requirements=(), constraints=wishes("numpy<2"))
    assert request_digest(wish, [TARGET]) != request_digest(bound, [TARGET])


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    east = datetime(2024, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    utc = datetime(2024, 1, 1, tzinfo=UTC)
    assert request_digest(replace(REQUEST, exclude_newer=east), [TARGET]) == request_digest(
        replace(REQUEST, exclude_newer=utc), [TARGET]
    )


def test_a_new_password_does_not_make_a_lock_stale() -> None:
    digests = {
        request_digest(Request(requirements=wishes(f"demo @ https://{user}host/d.whl")), [TARGET])
        for user in ("", "me:old@", "me:new@")
    }
    assert len(digests) == 1


def test_a_target_that_is_not_at_hand_has_the_same_digest() -> None:
    missing = replace(TARGET, option="linux-x86_64", python=Version("3.10.0"))
    assert request_digest(REQUEST, [missing]) == request_digest(REQUEST, [TARGET])


def test_a_system_that_was_named_counts() -> None:
    old = Platform(system="linux", machine="x86_64", libc="glibc 2.17")
    named = replace(TARGET, option="manylinux2014_x86_64", platform=old)
    assert request_digest(REQUEST, [named]) != request_digest(REQUEST, [TARGET])


def test_what_is_needed_counts_and_its_order_does_not() -> None:
    one = replace(REQUEST, needs=("resume", "savedmodel"))
    other = replace(REQUEST, needs=("savedmodel", "resume"))
    assert request_digest(one, [TARGET]) == request_digest(other, [TARGET])
    assert request_digest(one, [TARGET]) != request_digest(REQUEST, [TARGET])


CONDA = Request(
    name="deep",
    channels=("conda-forge", "https://host/t/${TOKEN}/x"),
    specs=(
        CondaSpec(name="h5py", version=">=3", origin="environment.yml:5"),
        CondaSpec(name="clang", channel="conda-forge", only=("osx-64", "osx-arm64")),
    ),
    requirements=wishes("keras>=2.15"),
    pip_constraints=wishes("numpy<2"),
    variables={"A": "1"},
    accelerator=Accelerator.CPU,
)


def test_the_digest_of_a_conda_request_is_that_of_a_canonical_text() -> None:
    text = """\
name deep
platform linux-64
platform osx-arm64
channel conda-forge
channel https://host/t/${TOKEN}/x
conda conda-forge::clang osx-64 osx-arm64
conda h5py >=3
requirement keras>=2.15
constraint numpy<2
variable A=1
extra accelerator cpu
extra exclude-newer nothing
extra indexes a b"""
    digest = conda_digest(CONDA, ["osx-arm64", "linux-64"], {"indexes": "a b", "sources": ""})
    assert digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


SAME = {
    "the order of specs": replace(CONDA, specs=CONDA.specs[::-1]),
    "a spec twice": replace(CONDA, specs=(*CONDA.specs, CONDA.specs[0])),
    "where it was written": replace(
        CONDA, specs=(replace(CONDA.specs[0], origin="other.yml:1"), CONDA.specs[1])
    ),
    "spelling in pip's part": replace(CONDA, requirements=wishes("Keras >= 2.15")),
    "notes": replace(CONDA, notes=("x",)),
}


@pytest.mark.parametrize("request_", SAME.values(), ids=SAME)
def test_what_does_not_count_leaves_a_conda_lock_current(request_: Request) -> None:
    assert conda_digest(request_, ["linux-64"]) == conda_digest(CONDA, ["linux-64"])


OTHER = {
    "the order of channels": replace(CONDA, channels=CONDA.channels[::-1]),
    "nodefaults": replace(CONDA, nodefaults=True),
    "the name": replace(CONDA, name=None),
    "a variable": replace(CONDA, variables={"A": "2"}),
    "a version": replace(CONDA, specs=(replace(CONDA.specs[0], version=">=4"), CONDA.specs[1])),
    "a build": replace(CONDA, specs=(replace(CONDA.specs[0], build="mpi*"), CONDA.specs[1])),
    "a platform": replace(CONDA, specs=(CONDA.specs[0], replace(CONDA.specs[1], only=()))),
    "pip's part": replace(CONDA, requirements=wishes("keras>=3")),
    "a constraint": replace(CONDA, pip_constraints=()),
    "a constraint of both sides": replace(CONDA, constraints=wishes("h5py<4")),
    "what is needed": replace(CONDA, needs=("resume",)),
    "a date": replace(CONDA, exclude_newer=datetime(2024, 1, 1, tzinfo=UTC)),
    "an accelerator": replace(CONDA, accelerator=Accelerator.CUDA),
}


@pytest.mark.parametrize("request_", OTHER.values(), ids=OTHER)
def test_what_counts_makes_a_conda_lock_stale(request_: Request) -> None:
    assert conda_digest(request_, ["linux-64"]) != conda_digest(CONDA, ["linux-64"])


def test_another_platform_or_wish_beside_the_file_makes_a_conda_lock_stale() -> None:
    digests = {
        conda_digest(CONDA, ["linux-64"]),
        conda_digest(CONDA, ["linux-64", "win-64"]),
        conda_digest(CONDA, ["linux-64"], {"indexes": "a b"}),
    }
    assert len(digests) == 3


def test_a_new_password_of_a_channel_does_not_make_a_lock_stale() -> None:
    digests = {
        conda_digest(replace(CONDA, channels=(channel,)), ["linux-64"])
        for channel in (
            "https://host/x",
            "https://me:old@host/x",
            "https://me:new@host/x",
            "https://host/t/tk-1/x",
        )
    }
    assert len(digests) == 1


def test_what_is_recorded_is_spelled_alike_once_with_its_first_place() -> None:
    def asked(text: str, origin: str) -> Requested:
        return Requested(requirement=Requirement(text), origin=origin)

    request = Request(
        requirements=(asked("TensorFlow >= 2", "a.in:2"), asked("h5py", "a.in:1")),
        constraints=(asked("numpy<2", "b.txt:1"), asked("NumPy <2", "c.txt:9")),
    )
    found = recorded(request, {"python": ("3.11",), "extras": (), "env": ("e",)})
    assert [(str(e.requirement), e.origin) for e in found.requirements] == [
        ("h5py", "a.in:1"),
        ("tensorflow>=2", "a.in:2"),
    ]
    assert [(str(e.requirement), e.origin) for e in found.constraints] == [("numpy<2", "b.txt:1")]
    assert list(found.options) == ["env", "python"]
