"""conda-lock.yml, version 1, as conda-lock, micromamba and rattler read it. Pure.

conda-lock takes a map of dependencies, so the last of several on one package
stands for all, and it wants an md5 of every conda package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.builds import UNTOLD
from envlock.choices import Format
from envlock.formats.archives import (
    address,
    address_of,
    chosen,
    conda_package,
    pip_package,
    refuse_without,
)
from envlock.formats.comments import (
    WithReasons,
    channel_words,
    of_conda,
    read_remarks,
    remarks,
    told,
)
from envlock.formats.direct import direct_of
from envlock.formats.lockfile import LockEntries
from envlock.formats.yaml_text import Node, quoted
from envlock.model import Lock, LockedPackage

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def render(lock: Lock) -> list[str]:
    """Write the lock of all platforms as one text.

    Raises:
        WorkError: a conda package has no md5, or a pip package no file.
    """
    every = [each for part in lock.parts for each in part.conda]
    refuse_without("an md5", dict.fromkeys(p.name for p in every if not p.md5), "conda-lock.yml")
    entries: list[tuple[tuple[str, str, str], list[str]]] = []
    for part in lock.parts:
        for package in part.conda:
            key = (package.name, "conda", part.subdir)
            hashes = {"md5": package.md5, "sha256": package.sha256}
            body = _body(key, package.version, package.depends, address_of(package), hashes)
            entries.append((key, _with_remarks(body, package, lock)))
        for pinned, file, sha256 in chosen(lock, part, Format.CONDA_LOCK):
            key = (pinned.name, "pip", part.subdir)
            body = _body(key, str(pinned.version), (), address(file), {"sha256": sha256})
            entries.append((key, _with_remarks(body, pinned, lock)))
        for placed in (each for each in told(lock, part) if each.direct is not None):
            key = (placed.name, "pip", part.subdir)
            place = placed.direct.address if placed.direct is not None else ""
            known = dict(each.split(":") for each in placed.hashes)
            body = _body(key, str(placed.version), (), place, known or {"sha256": ""})
            entries.append((key, _with_remarks(body, placed, lock)))
    lines = [*of_conda(lock, lock.parts), "version: 1", *_metadata(lock)]
    packages = [line for _, entry in sorted(entries, key=lambda each: each[0]) for line in entry]
    lines += ["package:", *packages] if packages else ["package: []"]
    return ["\n".join(lines) + "\n"]


def _metadata(lock: Lock) -> Iterator[str]:
    digest = lock.request_digest.removeprefix("sha256:")
    sources = {each.origin.rpartition(":")[0] for each in lock.requested} - {""}
    subdirs = [each.subdir for each in lock.parts]
    yield "metadata:"
    yield "  content_hash:" + ("" if subdirs else " {}")
    yield from (f"    {quoted(each)}: {quoted(digest)}" for each in subdirs)
    channels = channel_words(lock)
    yield "  channels:" + ("" if channels else " []")
    for each in channels:
        names = ", ".join(quoted(name) for name in _VARIABLE.findall(each))
        yield f"  - url: {quoted(each)}"
        yield f"    used_env_vars: [{names}]"
    yield from _list("  platforms:", subdirs)
    yield from _list("  sources:", sorted(sources))


def _list(head: str, items: Iterable[str]) -> Iterator[str]:
    listed = [f"  - {quoted(each)}" for each in items]
    yield head if listed else f"{head} []"
    yield from listed


def _body(
    key: tuple[str, str, str],
    version: str,
    depends: Iterable[str],
    url: str,
    hashes: Mapping[str, str | None],
) -> list[str]:
    name, manager, subdir = key
    needs = dict(each.strip().partition(" ")[::2] for each in depends)
    return [
        f"- name: {quoted(name)}",
        f"  version: {quoted(version)}",
        f"  manager: {manager}",
        f"  platform: {quoted(subdir)}",
        "  dependencies:" + ("" if needs else " {}"),
        *(f"    {quoted(each)}: {quoted(bound)}" for each, bound in needs.items()),
        f"  url: {quoted(url)}",
        "  hash:",
        *(f"    {kind}: {quoted(digest)}" for kind, digest in hashes.items() if digest),
        "  category: main",
        "  optional: false",
    ]


def _with_remarks(body: list[str], pin: WithReasons, lock: Lock) -> list[str]:
    return [*body, *remarks(pin, lock.reasons, indent="  ")]


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read the packages of every platform, whatever category they are of.

    Raises:
        UsageError: it is no such file, or of another version; says the line.
    """
    root = Node.of(name, text)
    version = root.need("version")
    if version.text != "1":
        raise version.fault(f"version {version.text} of conda-lock's format is not read, only 1")
    metadata = root.need("metadata")
    for subdir in metadata.list("platforms"):
        gathered.of(subdir)
    if not gathered.heading.ours:
        found = metadata.get("channels")
        gathered.heading.channels = (
            tuple(each.say("url") for each in found.items()) if found else ()
        )
    for entry in root.need("package").items():
        subdir, url = entry.need("platform").text, entry.need("url").text
        hashes = {kind: entry.need("hash").say(kind) for kind in ("md5", "sha256")}
        own, release = entry.need("name").text, entry.need("version").text
        if entry.need("manager").text == "pip":
            under = entry.comments()
            if url.startswith("git+") or read_remarks(under).release is not None:
                package = _placed(own, release, url, hashes["sha256"], under)
            else:
                package = pip_package(entry.where, own, release, url, hashes["sha256"])
            gathered.add(entry.where, subdir, package, under)
            continue
        needs = entry.get("dependencies")
        listed = needs.pairs() if needs else ()
        depends = tuple(f"{each} {bound.text}".strip() for each, bound in listed)
        facts = {"name": own, "version": release, "depends": depends, **hashes}
        found_package = conda_package(entry.where, url, facts)
        gathered.add(entry.where, subdir, found_package, entry.comments())


def _placed(
    name: str, release: str, url: str, sha256: str, comments: Sequence[str]
) -> LockedPackage:
    """A Python package that no index lists."""
    said = read_remarks(comments).release
    direct = direct_of(url)
    return LockedPackage(
        name=canonicalize_name(name),
        version=standards.version(release) or UNTOLD,
        hashes=(f"sha256:{sha256}",) if sha256 else (),
        direct=replace(direct, revision=said[2] if said else direct.revision),
    )
