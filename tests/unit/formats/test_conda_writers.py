"""Locks of conda packages: what they must not hold, what they cannot be without."""

from __future__ import annotations

import pytest
import yaml
from msgspec.structs import replace

from envlock.choices import Format
from envlock.errors import UsageError, WorkError
from envlock.formats.archives import build_number, in_order, noarch_of, told_by
from envlock.formats.registry import read_lock, texts_of
from envlock.model import CondaPackage, DistributionFile, Lock, LockedPackage
from support.conda_locks import CHANNEL, REALISTIC_CONDA

LINUX, _ = REALISTIC_CONDA.parts
ALONE = replace(REALISTIC_CONDA, parts=(LINUX,))


def with_packages(*packages: CondaPackage) -> Lock:
    return replace(ALONE, parts=(replace(LINUX, conda=packages),))


def with_pip(*packages: LockedPackage) -> Lock:
    return replace(ALONE, parts=(replace(LINUX, pypi=packages),))


def text_of(kind: Format, lock: Lock) -> str:
    return "".join(texts_of(lock, kind).values())


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Format.ENVIRONMENT, ["environment.yml"]),
        (Format.REQUIREMENTS, ["requirements.txt"]),
        (Format.EXPLICIT, ["conda-linux-64.lock"]),
        (Format.CONDA_LOCK, ["conda-lock.yml"]),
        (Format.PIXI, ["pixi.lock"]),
    ],
)
def test_a_lock_for_one_platform_has_plain_names(kind: Format, names: list[str]) -> None:
    assert list(texts_of(ALONE, kind)) == names


def test_a_format_of_python_packages_alone_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        texts_of(ALONE, Format.PYLOCK)
    assert caught.value.message == "conda packages have no place in the format pylock"
    assert caught.value.remedies == (
        "choose one of requirements, environment, explicit, conda-lock, pixi: --format environment",
    )


def test_a_variable_that_holds_a_credential_is_left_out_by_name() -> None:
    lock = replace(ALONE, variables={"INDEX": "https://u:p@host/", "B": 'a\n\u2028é"\\'})
    text = text_of(Format.ENVIRONMENT, lock)
    assert text.splitlines()[-3:] == [
        "variables:",
        '  B: "a\\U0000000A\\U00002028é\\"\\\\"',
        "  # INDEX is left out: it holds a credential",
    ]
    assert yaml.safe_load(text)["variables"] == {"B": 'a\n\u2028é"\\'}


@pytest.mark.parametrize("kind", [Format.ENVIRONMENT, Format.CONDA_LOCK, Format.EXPLICIT])
def test_a_variable_in_a_channel_stays(kind: Format) -> None:
    lock = replace(ALONE, channels=("https://host/t/${TOKEN}/dev",))
    assert "https://host/t/${TOKEN}/dev" in text_of(kind, lock)


LACKING = [
    (Format.EXPLICIT, "the explicit list needs a hash"),
    (Format.PIXI, "pixi.lock needs a hash"),
    (Format.CONDA_LOCK, "conda-lock.yml needs an md5"),
]


@pytest.mark.parametrize(("kind", "said"), LACKING)
def test_a_package_without_a_hash_is_refused(kind: Format, said: str) -> None:
    (first, *rest) = LINUX.conda
    sha256 = first.sha256 if kind is Format.CONDA_LOCK else None
    with pytest.raises(WorkError) as caught:
        texts_of(with_packages(replace(first, md5=None, sha256=sha256), *rest), kind)
    assert caught.value.message == (
        f"{said} of every package, and none is known for cached-property"
    )
    assert caught.value.remedies == ("write another format: --format environment",)


def test_a_sha256_alone_is_written_as_newer_condas_read_it() -> None:
    (first, *rest) = LINUX.conda
    text = text_of(Format.EXPLICIT, with_packages(replace(first, md5=None), *rest))
    assert f"{first.url}#sha256:{first.sha256}\n" in text
    assert read_lock("conda.lock", text).part.conda[0].md5 is None


@pytest.mark.parametrize("kind", [Format.EXPLICIT, Format.CONDA_LOCK, Format.PIXI])
def test_a_pip_package_without_a_file_for_the_platform_is_refused(kind: Format) -> None:
    (six,) = LINUX.pypi
    windows = DistributionFile(
        filename="six-1.16.0-cp311-cp311-win_amd64.whl",
        url="https://host/six-1.16.0-cp311-cp311-win_amd64.whl",
        hashes={"sha256": "0" * 64},
    )
    only = replace(six, files=(windows,), hashes=(f"sha256:{'0' * 64}",))
    with pytest.raises(WorkError) as caught:
        texts_of(with_pip(only), kind)
    assert caught.value.message == (
        f"{kind} needs a file of every package, and six 1.16.0 has none with a sha256 for linux-64"
    )


WHEELS = [
    # files of a release, the one for CPython 3.11 on linux-64
    (["py3-none-any.whl", "tar.gz"], "py3-none-any.whl"),
    (["tar.gz"], "tar.gz"),
    (["cp311-cp311-manylinux_2_17_x86_64.whl", "py3-none-any.whl"], "cp311-cp311-manylinux_2_17"),
    (["cp310-cp310-manylinux_2_17_x86_64.whl", "tar.gz"], "tar.gz"),
    (["cp311-cp311-manylinux_2_39_x86_64.whl", "tar.gz"], "tar.gz"),
    (["cp311-cp311-manylinux_2_39_x86_64.whl"], "cp311-cp311-manylinux_2_39"),
    (
        ["cp311-cp311-manylinux_2_28_x86_64.whl", "cp311-cp311-manylinux_2_17_x86_64.whl"],
        "cp311-cp311-manylinux_2_28",
    ),
]


@pytest.mark.parametrize(("endings", "expected"), WHEELS)
def test_the_best_file_for_the_platform_stands_in_the_lock(
    endings: list[str], expected: str
) -> None:
    (six,) = LINUX.pypi
    files = tuple(
        DistributionFile(
            filename=f"six-1.16.0{'' if each == 'tar.gz' else '-'}{each}".replace("0tar", "0.tar"),
            url=f"https://host/{number}",
            hashes={"sha256": f"{number}" * 64},
        )
        for number, each in enumerate(endings)
    )
    hashes = tuple(f"sha256:{each.hashes['sha256']}" for each in files)
    locked = replace(six, files=files, hashes=hashes)
    document = yaml.safe_load(text_of(Format.CONDA_LOCK, with_pip(locked)))
    (entry,) = (each for each in document["package"] if each["manager"] == "pip")
    assert expected in files[int(entry["url"].rpartition("/")[2])].filename


ADDRESSES = [
    (
        f"{CHANNEL}linux-64/h5py-3.1-nompi_py311_102.conda",
        ("h5py", "3.1", 102, "linux-64", CHANNEL),
    ),
    (f"{CHANNEL}noarch/x-1%212-0.tar.bz2#ab", ("x", "1!2", 0, "noarch", CHANNEL)),
    (
        "https://h/label/dev/osx-64/x-1-h_a.conda",
        ("x", "1", None, "osx-64", "https://h/label/dev/"),
    ),
    ("https://h/elsewhere/x-1-0.conda", ("x", "1", 0, "", "")),
    ("/opt/chan/linux-64/x-1-0.conda", ("x", "1", 0, "", "")),
    (f"{CHANNEL}linux-64/x.zip", ("", "", None, "linux-64", CHANNEL)),
]


@pytest.mark.parametrize(("url", "told"), ADDRESSES)
def test_what_an_address_tells(url: str, told: tuple[object, ...]) -> None:
    found = told_by(url)
    assert (found.name, found.version, found.build_number, found.subdir, found.channel) == told


def test_the_kind_of_a_package_for_any_platform_shows_in_its_build() -> None:
    assert [noarch_of("noarch", b) for b in ("pyhd8ed1ab_0", "h_0")] == ["python", "generic"]
    assert noarch_of("linux-64", "py311_0") == ""
    assert (build_number("0"), build_number("py_12"), build_number("h_x")) == (0, 12, None)


def test_a_package_comes_after_what_it_depends_on_even_in_a_circle() -> None:
    (any_package, *_) = LINUX.conda
    named = [
        replace(any_package, name=name, depends=depends)
        for name, depends in [("a", ("c >=1", "z")), ("b", ("a",)), ("c", ("d",)), ("d", ("c",))]
    ]
    assert [each.name for each in in_order(named)] == ["d", "c", "a", "b"]
