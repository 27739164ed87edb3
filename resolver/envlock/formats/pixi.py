"""pixi.lock, version 7, as py-rattler writes it, byte for byte but for the comments. Pure.

What the address of a package tells is left out, and a file of this machine is
named by its path, as there. The hashes of the pip part, which py-rattler's own
writer has no way to add, are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

from envlock.choices import Format
from envlock.conda.channels import addresses
from envlock.formats.archives import (
    address,
    address_of,
    chosen,
    conda_package,
    is_local,
    noarch_of,
    pip_package,
    refuse_without,
    told_by,
)
from envlock.formats.comments import WithReasons, channel_words, of_conda, one_line, remarks
from envlock.formats.lockfile import LockEntries
from envlock.formats.yaml_text import Node, bare
from envlock.model import CondaPackage, Lock, Part

_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")
_VERSIONS = frozenset({"6", "7"})
_PUBLIC = "https://conda.anaconda.org/"
_TEXTS = (
    "name",
    "version",
    "build",
    "subdir",
    "noarch",
    "sha256",
    "md5",
    "features",
    "license",
    "license_family",
    "python_site_packages_path",
)
#: What the path of an address holds as it is.
_SAFE = "/!$&'()*+,;=:@~"
_NUMBERS = ("build_number", "size", "timestamp")
_LISTS = ("depends", "constrains", "track_features", "purls")
#: Where an entry stands, and its lines: in the environment's list, in that of all packages.
_Entry = tuple[str, WithReasons, list[str]]


def render(lock: Lock) -> list[str]:
    """Write the lock of all platforms as one text.

    Raises:
        WorkError: a conda package has no hash, or a pip package no file.
    """
    every = [each for part in lock.parts for each in part.conda]
    lacking = dict.fromkeys(p.name for p in every if not (p.md5 or p.sha256))
    refuse_without("a hash", lacking, "pixi.lock")
    conda = {each.subdir: sorted(map(_conda, each.conda), key=_place) for each in lock.parts}
    pip = {each.subdir: sorted(_pip(lock, each), key=_place) for each in lock.parts}
    lines = [*of_conda(lock, lock.parts), "version: 7"]
    lines += _list("platforms:", (f"- name: {bare(each.subdir)}" for each in lock.parts))
    lines += ["environments:", "  default:"]
    lines += _list("    channels:", (f"    - url: {bare(url)}" for url in _channels(lock)))
    lines.append("    packages:" + ("" if lock.parts else " {}"))
    for part in lock.parts:
        subdir = part.subdir
        listed = [
            *_listed("conda", conda[subdir], lock),
            *_listed("pypi", pip[subdir], lock),
        ]
        lines += _list(f"      {bare(subdir)}:", listed)
    entries = [
        line
        for kind, found in (("conda", conda), ("pypi", pip))
        for place, body in sorted({p: b for each in found.values() for p, _, b in each}.items())
        for line in (f"- {kind}: {bare(place)}", *body)
    ]
    lines += _list("packages:", entries)
    return ["\n".join(lines) + "\n"]


def _place(entry: _Entry) -> str:
    return entry[0]


def _list(head: str, items: Iterable[str]) -> list[str]:
    listed = list(items)
    return [head, *listed] if listed else [f"{head} []"]


def _listed(kind: str, entries: Iterable[_Entry], lock: Lock) -> Iterator[str]:
    for place, pin, _ in entries:
        yield f"      - {kind}: {bare(place)}"
        yield from remarks(pin, lock.reasons, indent="        ")


def _channels(lock: Lock) -> list[str]:
    """The addresses of the channels, and of those that only an entry named, after them."""
    subdirs = [each.subdir for each in lock.parts] or [""]
    words = (word.replace("/t/${", "/${") for word in channel_words(lock))
    plain = [_VARIABLE.sub("", word) for word in words]
    found = [a.public for subdir in subdirs for a in addresses(plain, {}, subdir=subdir)]
    own = {p.channel for each in lock.parts for p in each.conda if p.channel}
    return list(dict.fromkeys((*found, *sorted(own))))


def _conda(package: CondaPackage) -> _Entry:
    url = address_of(package)
    place = unquote(urlsplit(url).path) if is_local(url) else url
    told = told_by(place)
    facts = {
        "name": "" if told.name == package.name else package.name,
        "version": "" if told.version == package.version else package.version,
        "build": "" if told.build == package.build else package.build,
    }
    lines = [f"  {key}: {bare(value)}" for key, value in facts.items() if value]
    if (told.build_number or 0) != package.build_number:
        lines.append(f"  build_number: {package.build_number}")
    if told.subdir != package.subdir:
        lines.append(f"  subdir: {bare(package.subdir)}")
    if noarch_of(package.subdir, package.build) != package.noarch:
        lines.append(f"  noarch: {bare(package.noarch)}")
    lines += _texts({"sha256": package.sha256, "md5": package.md5})
    lines += _texts({"depends": package.depends, "constrains": package.constrains})
    if told.channel != package.channel:
        lines.append(f"  channel: {bare(package.channel.rstrip('/'))}")
    lines += _texts(
        {
            "features": package.features,
            "track_features": package.track_features,
            "license": package.license,
            "license_family": package.license_family,
            "purls": package.purls,
        }
    )
    numbers = {"size": package.size, "timestamp": package.timestamp}
    lines += (f"  {key}: {value}" for key, value in numbers.items() if value is not None)
    lines += _texts({"python_site_packages_path": package.python_site_packages_path})
    return place, package, lines


def _texts(facts: Mapping[str, str | tuple[str, ...] | None]) -> Iterator[str]:
    for key, value in facts.items():
        if isinstance(value, tuple):
            if value:
                yield f"  {key}:"
            yield from (f"  - {bare(each)}" for each in value)
        elif value is not None:
            yield f"  {key}: {bare(value)}"


def _pip(lock: Lock, part: Part) -> Iterator[_Entry]:
    for pinned, file, sha256 in chosen(lock, part, Format.PIXI):
        facts = {"name": pinned.name, "version": str(pinned.version), "sha256": sha256}
        lines = [f"  {key}: {bare(value)}" for key, value in facts.items()]
        yield one_line(address(file)), pinned, lines


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read the environment that is meant: the default, or the only one there is.

    Raises:
        UsageError: it is no such file, of another version, or of several
            environments; says the line.
    """
    root = Node.of(name, text)
    version = root.need("version")
    if version.text not in _VERSIONS:
        raise version.fault(f"version {version.text} of pixi's format is not read, only 6 and 7")
    environments = dict(root.need("environments").pairs())
    wanted = gathered.environment or "default"
    only = next(iter(environments.values()), None) if len(environments) == 1 else None
    chosen_one = environments.get(wanted) or (None if gathered.environment else only)
    if chosen_one is None:
        names = ", ".join(environments) or "none"
        raise root.need("environments").fault(
            f"none of its environments is called {wanted}: it has {names}",
            *(f"-E {each}" for each in [*environments][:1]),
        )
    if not gathered.heading.ours:
        found = chosen_one.get("channels")
        urls = [each.need("url").text for each in found.items()] if found else []
        gathered.heading.channels = tuple(url.removeprefix(_PUBLIC).rstrip("/") for url in urls)
    bodies = {_place_of(each): each for each in root.need("packages").items()}
    for subdir, listed in chosen_one.need("packages").pairs():
        gathered.of(subdir)
        for entry in listed.items():
            body = bodies.get(_place_of(entry))
            if body is None:
                raise entry.fault(f"{' '.join(_place_of(entry))} is not among the packages")
            _take(gathered, subdir, entry, body)


def _place_of(entry: Node) -> tuple[str, str]:
    kind, place = next(entry.pairs(), ("", entry))
    return kind, place.text


def _take(gathered: LockEntries, subdir: str, entry: Node, body: Node) -> None:
    kind, place = _place_of(entry)
    if kind == "pypi":
        own, release = body.need("name").text, body.need("version").text
        package = pip_package(body.where, own, release, place, body.say("sha256"))
        gathered.add(body.where, subdir, package, entry.comments())
    elif kind == "conda":
        facts: dict[str, object] = {key: body.say(key) for key in _TEXTS}
        facts |= {key: body.number(key) for key in _NUMBERS}
        facts |= {key: body.list(key) for key in _LISTS}
        channel = body.say("channel")
        facts["channel"] = f"{channel.rstrip('/')}/" if channel else ""
        url = place if "://" in place else f"file://{quote(place, safe=_SAFE)}"
        gathered.add(body.where, subdir, conda_package(body.where, url, facts), entry.comments())
    else:
        raise entry.fault(f"{kind!r} is neither a conda nor a PyPI package")
