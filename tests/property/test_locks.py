"""Laws of written locks: they read back equal, and no text whatever breaks the reader."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from packaging.markers import Marker
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.content import edits
from envlock.formats.registry import LOCKS, read_lock, texts_of
from envlock.index.secrets import redact
from envlock.model import DistributionFile, Lock, LockedPackage, Part, RuleId
from envlock.targets.platforms import KNOWN, environment_of
from support.locks import with_packages
from support.night import examples
from support.recorded import recorded

KINDS = [kind for kind, row in LOCKS.items() if row.pypi]

NUMBERS = st.integers(0, 30)
NAMES = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,2}", fullmatch=True).filter(
    lambda name: len(name) < 30
)
RULES = st.from_regex(r"[a-z0-9]+(-[a-z0-9.]+){0,3}", fullmatch=True).map(RuleId)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
WORDS = (
    st.text(min_size=1, max_size=60)
    .map(
        lambda text: " ".join("".join(each if each.isprintable() else " " for each in text).split())
    )
    .filter(lambda text: text and redact(text) == text)
)
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (Hypothesis adds the zone)


@st.composite
def versions(draw: st.DrawFn) -> Version:
    release = ".".join(map(str, draw(st.lists(NUMBERS, min_size=1, max_size=4))))
    epoch = draw(st.sampled_from(["", "1!", "2026!"]))
    pre = draw(st.sampled_from(["", "a1", "b2", "rc3"]))
    post = draw(st.sampled_from(["", ".post4"]))
    dev = draw(st.sampled_from(["", ".dev5"]))
    local = draw(st.sampled_from(["", "+cpu", "+cu118.2", "+1.ubuntu"]))
    return Version(f"{epoch}{release}{pre}{post}{dev}{local}")


@st.composite
def files(draw: st.DrawFn, name: str, version: Version) -> DistributionFile:
    """A wheel or an sdist of a release, from an index or a local folder."""
    stem = f"{name.replace('-', '_')}-{version}"
    ending = draw(st.sampled_from(["-py3-none-any.whl", "-cp310-cp310-win_amd64.whl", ".tar.gz"]))
    folder = draw(
        st.sampled_from(["https://host/a%20b/", "file:///opt/a%20b/", "file:///C:/wheels/"])
    )
    return DistributionFile(
        filename=stem + ending,
        url=folder + quote(stem + ending),
        hashes={draw(st.just("sha256")): draw(DIGESTS)},
        size=draw(st.none() | st.integers(0, 2**40)),
        upload_time=draw(st.none() | MOMENTS),
    )


@st.composite
def packages(draw: st.DrawFn, name: str) -> LockedPackage:
    version = draw(versions())
    listed = draw(
        st.lists(files(name, version), min_size=1, max_size=3, unique_by=lambda each: each.filename)
    )
    return LockedPackage(
        name=canonicalize_name(name),
        version=version,
        hashes=tuple(sorted({f"sha256:{each.hashes['sha256']}" for each in listed})),
        via=tuple(sorted(draw(st.lists(WORDS | NAMES, max_size=6)))),
        because=tuple(sorted(draw(st.sets(RULES, max_size=3)))),
        files=tuple(sorted(listed, key=lambda each: each.filename)),
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    names = sorted(draw(st.sets(NAMES, max_size=4)))
    locked = tuple(draw(packages(name)) for name in names)
    rules = sorted({rule for package in locked for rule in package.because})
    told = [rule for rule in rules if draw(st.booleans())]
    part = Part(
        python=f"3.{draw(st.integers(6, 15))}",
        platform=draw(st.sampled_from(["linux-x86_64", "macos-arm64", "windows-x86_64"])),
        pypi=locked,
        verified=draw(WORDS),
    )
    return Lock(
        parts=(part,),
        name="demo",
        command=draw(WORDS),
        request_digest=f"sha256:{draw(DIGESTS)}",
        asked=draw(recorded()),
        notes=tuple(draw(st.lists(WORDS, max_size=2))),
        reasons={rule: draw(WORDS) for rule in told},
    )


PLATFORMS = tuple(str(each.platform) for each in KNOWN)


@st.composite
def wide(draw: st.DrawFn) -> Lock:
    """A lock for several platforms; what two of them have alike is told alike."""
    every = [draw(packages(name)) for name in sorted(draw(st.sets(NAMES, max_size=3)))]
    every += [
        replace(each, version=Version(f"{each.version.major}.99.{n}"), files=files_of(each, n))
        for n, each in enumerate(every)
        if draw(st.booleans())
    ]
    places = sorted(draw(st.sets(st.sampled_from(PLATFORMS), min_size=2)))
    parts = []
    for place in places:
        chosen = {each.name: each for each in every if draw(st.booleans())}
        pypi = tuple(chosen[name] for name in sorted(chosen))
        parts.append(Part(python="3.11", platform=place, pypi=pypi, verified=draw(WORDS)))
    lock = draw(locks())
    reasons = {rule: draw(WORDS) for part in parts for pin in part.pypi for rule in pin.because}
    return replace(lock, parts=tuple(parts), reasons=reasons)


def files_of(package: LockedPackage, number: int) -> tuple[DistributionFile, ...]:
    """The same files of another release."""
    stem = f"{package.name.replace('-', '_')}-{package.version.major}.99.{number}"
    ((_, digest),) = package.files[0].hashes.items()
    file = f"{stem}-py3-none-any.whl"
    return (DistributionFile(filename=file, url=f"https://host/{file}", hashes={"sha256": digest}),)


def told_once(lock: Lock) -> Lock:
    """The lock with the hashes of its files and no others, and who asked for each pin once."""
    parts = tuple(
        replace(
            part,
            pypi=tuple(
                replace(
                    p,
                    via=tuple(sorted(set(p.via))),
                    hashes=tuple(sorted({f"sha256:{f.hashes['sha256']}" for f in p.files})),
                )
                for p in part.pypi
            ),
        )
        for part in lock.parts
    )
    return replace(lock, parts=parts)


def marked(kind: Format, text: str) -> list[tuple[str, str, Marker | None]]:
    """Name, version and marker of every pin, as other tools read them."""
    if kind is Format.PYLOCK:
        found = Pylock.from_dict(tomllib.loads(text)).packages
        return [(each.name, str(each.version), each.marker) for each in found]
    lines = (line.removesuffix(" \\") for line in text.splitlines() if line[:1] not in {"#", " "})
    asked = map(Requirement, lines)
    return [(each.name, str(each.specifier).removeprefix("=="), each.marker) for each in asked]


@pytest.mark.parametrize("kind", [k for k in KINDS if LOCKS[k].several or LOCKS[k].markers])
@examples(12)
@given(lock=wide().map(told_once))
def test_markers_give_each_platform_its_own_pins_and_no_others(kind: Format, lock: Lock) -> None:
    (text,) = texts_of(lock, kind, together=True).values()
    for part in lock.parts:
        environment = environment_of(part.platform, part.python)
        found = {
            (name, Version(version))
            for name, version, marker in marked(kind, text)
            if marker is None or marker.evaluate(environment, context="lock_file")
        }
        assert found == set(part.pins.items())
    read = replace(read_lock(LOCKS[kind].filename, text), content="")
    kept = (part.pypi for part in lock.parts)
    if not LOCKS[kind].files:
        kept = (tuple(replace(each, files=()) for each in pypi) for pypi in kept)
    parts = tuple(replace(part, pypi=pypi) for part, pypi in zip(lock.parts, kept, strict=True))
    assert replace(read, content="") == replace(lock, parts=parts, name="")


def carried(kind: Format, lock: Lock) -> Lock:
    """The lock without what a format has no place for."""
    row, locked = LOCKS[kind], lock.part.pypi
    if not row.files:
        locked = tuple(replace(each, files=()) for each in locked)
    if not row.hashes:
        locked = tuple(replace(each, hashes=()) for each in locked)
    return replace(with_packages(lock, locked), name=lock.name if row.conda else "")


def written(kind: Format, lock: Lock) -> str:
    (text,) = texts_of(lock, kind).values()
    return text


@pytest.mark.parametrize("kind", KINDS)
@examples(30)
@given(lock=locks())
def test_a_lock_reads_back_equal(kind: Format, lock: Lock) -> None:
    read = read_lock(LOCKS[kind].filename, written(kind, lock))
    assert edits(read) == ()
    assert replace(read, content="") == carried(kind, lock)


@pytest.mark.parametrize("kind", KINDS)
@examples(30)
@given(lock=locks())
def test_what_was_read_is_written_the_same(kind: Format, lock: Lock) -> None:
    text = written(kind, lock)
    read = read_lock(LOCKS[kind].filename, text)
    assert written(kind, replace(read, name=lock.name)) == text


@examples(30)
@given(name=st.text())
def test_any_name_leaves_an_environment_file_what_it_is(name: str) -> None:
    lock = Lock(parts=(Part(python="3.10", platform="linux-x86_64"),), name=name)
    text = written(Format.ENVIRONMENT, lock)
    document = yaml.safe_load(text)
    assert list(document) == ["name", "channels", "dependencies"]
    assert isinstance(document["name"], str)
    assert document["dependencies"] == ["python=3.10", "pip"]


LINES = st.sampled_from(
    [
        "h5py==3.1.0",
        "h5py==3.1.0 \\",
        f"    --hash=sha256:{'ab' * 32} \\",
        "    # via",
        "    #   keras",
        "# because x: y",
        "- pip:",
        "dependencies:",
        "  - h5py==1",
        "[[packages]]",
        'lock-version = "1.0"',
        'created-by = "x"',
        'name = "demo"',
        'version = "1"',
        "[packages.sdist]",
        'url = "h/demo-1.zip"',
        'hashes = {sha256 = "x"}',
        "tool.envlock.via = 1",
        "wheels = [{}]",
    ]
)


@pytest.mark.parametrize("kind", KINDS)
@examples(30)
@given(text=st.text() | st.lists(LINES | st.text(max_size=8), max_size=12).map("\n".join))
def test_any_text_is_a_lock_or_refused_in_words(kind: Format, text: str) -> None:
    name = LOCKS[kind].filename
    refusal = f"{name}:"
    try:
        read_lock(name, text, markers={"sys_platform": "linux"})
    except UsageError as error:
        refusal = error.message
    assert refusal.startswith(f"{name}:")
    assert refusal.isprintable()
