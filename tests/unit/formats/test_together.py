"""One list of the pins of all parts: the markers for platforms, extras and groups."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.registry import read_lock, texts_of
from envlock.formats.together import gather
from envlock.model import Lock, LockedPackage, Part, Selection
from support.locks import DEV, GPU, PLOT, REALISTIC, TO_CHOOSE, only

PLATFORMS = ("linux-x86_64", "macos-arm64", "windows-x86_64")
ON_LINUX = 'platform_system == "Linux"'
ELSEWHERE = 'platform_system == "Darwin" or platform_system == "Windows"'


def marker(*wanted: tuple[Selection, ...] | None, places: tuple[str, ...] = PLATFORMS) -> str:
    """The marker of a package that is for these on each platform; None: it is not there."""
    package = LockedPackage(name=canonicalize_name("demo"), version=Version("1.0"))
    parts = tuple(
        Part(
            python="3.11",
            platform=place,
            pypi=() if only is None else (replace(package, only=only),),
        )
        for place, only in zip(places, wanted, strict=True)
    )
    ((_, found),) = gather(Lock(parts=parts))
    return str(found or "")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (((), (), ()), ""),
        (((), None, None), ON_LINUX),
        (((GPU,), (GPU,), (GPU,)), '"gpu" in extras'),
        (((DEV,), (DEV,), (DEV,)), '"dev" in dependency_groups'),
        (((GPU, DEV),) * 3, '"gpu" in extras or "dev" in dependency_groups'),
        (((GPU,), None, None), f'"gpu" in extras and {ON_LINUX}'),
        ((None, (GPU,), (GPU,)), f'"gpu" in extras and ({ELSEWHERE})'),
        (
            ((GPU, PLOT), None, None),
            f'("gpu" in extras or "plot" in extras) and {ON_LINUX}',
        ),
        (((), (GPU,), (GPU,)), f'{ON_LINUX} or ("gpu" in extras and ({ELSEWHERE}))'),
        (
            ((GPU,), (PLOT,), ()),
            (
                f'("gpu" in extras and {ON_LINUX})'
                ' or ("plot" in extras and platform_system == "Darwin")'
                ' or platform_system == "Windows"'
            ),
        ),
    ],
)
def test_a_marker_names_what_a_package_is_for(
    wanted: tuple[tuple[Selection, ...] | None, ...], said: str
) -> None:
    assert marker(*wanted) == said


def test_machines_of_one_system_and_extras_are_kept_apart() -> None:
    places = ("linux-aarch64", "linux-x86_64")
    assert marker((GPU,), (), places=places) == (
        '("gpu" in extras and platform_system == "Linux" and platform_machine == "aarch64")'
        ' or (platform_system == "Linux" and platform_machine == "x86_64")'
    )


@pytest.mark.parametrize("lock", [TO_CHOOSE, replace(TO_CHOOSE, parts=TO_CHOOSE.parts[:1])])
def test_what_can_be_chosen_is_read_again(lock: Lock) -> None:
    ((name, text),) = texts_of(lock, Format.PYLOCK).items()
    again = read_lock(name, text)
    assert again.selections == lock.selections
    for part, known in zip(again.parts, lock.parts, strict=True):
        assert {p.name: p.only for p in part.pypi} == {p.name: p.only for p in known.pypi}


def test_a_lock_of_the_base_says_nothing_of_extras() -> None:
    (text,) = texts_of(REALISTIC, Format.PYLOCK).values()
    assert "extras" not in text
    assert "groups" not in text


def test_a_group_of_the_name_of_the_default_one_is_the_projects() -> None:
    own = replace(DEV, name=canonicalize_name("default"))
    lock = replace(REALISTIC, parts=(only(REALISTIC.part, six=(own,)),), selections=(own,))
    ((name, text),) = texts_of(lock, Format.PYLOCK).items()
    assert "default-groups" not in text
    assert read_lock(name, text).selections == (own,)


@pytest.mark.parametrize("kind", [Format.REQUIREMENTS, Format.ENVIRONMENT])
@pytest.mark.parametrize("together", [False, True])
def test_other_formats_hold_nothing_that_can_be_chosen(kind: Format, *, together: bool) -> None:
    with pytest.raises(UsageError, match="holds what is installed everywhere, and extra gpu is"):
        texts_of(TO_CHOOSE, kind, together=together)


#: As pdm writes them: a default group, and what the base needs is in it.
PDM = """\
lock-version = "1.0"
created-by = "pdm"
extras = ["gpu"]
dependency-groups = ["default", "dev"]
default-groups = ["default"]

[[packages]]
name = "base"
version = "1.0"
sdist = {name = "base-1.0.tar.gz", url = "https://host/base", hashes = {sha256 = "00"}}
marker = '"default" in dependency_groups'

[[packages]]
name = "both"
version = "1.0"
sdist = {name = "both-1.0.tar.gz", url = "https://host/both", hashes = {sha256 = "00"}}
marker = '"gpu" in extras or "dev" in dependency_groups'

[[packages]]
name = "elsewhere"
version = "1.0"
sdist = {name = "elsewhere-1.0.tar.gz", url = "https://host/elsewhere", hashes = {sha256 = "00"}}
marker = 'platform_system == "Windows" and "gpu" in extras'
"""
LINUX = {"platform_system": "Linux", "python_version": "3.11"}


def test_a_lock_of_pdm_is_read_with_what_can_be_chosen() -> None:
    lock = read_lock("pylock.toml", PDM, markers=LINUX)
    assert lock.selections == (GPU, DEV)
    assert {p.name: p.only for p in lock.part.pypi} == {"base": (), "both": (GPU, DEV)}


def test_what_is_for_two_extras_together_is_refused() -> None:
    text = PDM.replace('in extras or "dev', 'in extras and "dev')
    with pytest.raises(UsageError, match=r"packages\[1\]: both is for several extras and groups"):
        read_lock("pylock.toml", text, markers=LINUX)


def test_a_name_that_no_marker_can_have_is_refused() -> None:
    text = PDM.replace('"default", "dev"]', '"default", "d\'ev"]')
    with pytest.raises(UsageError) as caught:
        read_lock("pylock.toml", text, markers=LINUX)
    assert caught.value.message == 'pylock.toml: "d\'ev" is no name of an extra or a group'
