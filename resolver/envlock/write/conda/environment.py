"""environment.yml of a conda lock: every package pinned, and portable. Pure.

No builds and no prefix: a build is of one channel state, a prefix of one
machine. ``==`` is exact to conda, one ``=`` a prefix of versions. A channel is
named beside a package where the request named it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from envlock.choices import Format
from envlock.conda.values import (
    CondaLock,
    CondaPackage,
    CondaPlatformLock,
    CondaRequest,
    CondaSpec,
)
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.formats.environment_yml import NOTHING, By, parse_environment_yml
from envlock.formats.selectors import selector
from envlock.index.redact import redact
from envlock.write.channel_words import strip_channel
from envlock.write.comments import one_line, remarks, told
from envlock.write.conda.file_names import file_name
from envlock.write.conda.gathered import Gathered
from envlock.write.conda.heading import channel_words, heading
from envlock.write.nodes import comments_under
from envlock.write.pins import read_pin
from envlock.write.scalars import exactly, quoted

_ITEM = "  - "
_EXACT = re.compile(r"(==?)([^*,|<>=~\s]+)")
_PIP_ITEM = "      - "


class _Entry(Struct, frozen=True, kw_only=True):
    """One line of a list and the comments under it."""

    text: str
    comments: Sequence[str] = ()
    only: Sequence[str] = ()


def render(lock: CondaLock) -> Mapping[str, str]:
    """Write the lock as conda environments, a file for each platform."""
    texts: dict[str, str] = {}
    for platform in lock.platforms:
        channels = [*channel_words(lock), *(["nodefaults"] if lock.nodefaults else [])]
        lines = [
            *heading(lock, [platform], native=True),
            *_document(lock.name, channels, _pins(lock, platform), _pip_pins(lock, platform)),
            *_variables(lock.variables),
        ]
        alone = len(lock.platforms) == 1
        texts[file_name(Format.ENVIRONMENT, platform.subdir, alone=alone)] = "\n".join(lines) + "\n"
    return texts


def render_request(request: CondaRequest) -> str:
    """Write a request as the environment.yml that asks for the same."""
    channels = [*request.channels, *(["nodefaults"] if request.nodefaults else [])]
    bounds = dict.fromkeys(each.origin.rpartition(":")[0] for each in request.pip_constraints)
    pip = [
        *(_Entry(text=option) for option in request.pip_options),
        *(_Entry(text=f"--constraint {file}") for file in bounds if file),
        *(_Entry(text=str(each.requirement)) for each in request.pip),
    ]
    specs = [_Entry(text=str(each), only=each.only) for each in request.specs]
    lines = _document(request.name or "", channels, specs, pip)
    if request.platforms:
        lines += ["platforms:", *(f"{_ITEM}{quoted(each)}" for each in request.platforms)]
    return "\n".join((*lines, *_variables(request.variables))) + "\n"


def _document(
    name: str, channels: Iterable[str], conda: Iterable[_Entry], pip: Sequence[_Entry]
) -> list[str]:
    lines = [f"name: {quoted(name)}"] if name else []
    listed = [f"{_ITEM}{quoted(each)}" for each in channels]
    lines += ["channels:", *listed] if listed else []
    entries = [
        *(line for each in conda for line in _lines(each, _ITEM)),
        *([f"{_ITEM}pip:"] if pip else []),
        *(line for each in pip for line in _lines(each, _PIP_ITEM)),
    ]
    return [*lines, *(["dependencies:", *entries] if entries else ["dependencies: []"])]


def _lines(entry: _Entry, item: str) -> Iterator[str]:
    only = f"  # [{selector(entry.only)}]" if entry.only else ""
    yield f"{item}{quoted(entry.text)}{only}"
    yield from entry.comments


def _pins(lock: CondaLock, platform: CondaPlatformLock) -> Iterator[_Entry]:
    named = {each.name: each.channel for each in lock.requested if each.channel}
    for package in sorted(platform.packages, key=lambda each: each.name):
        spec = CondaSpec(
            name=package.name,
            version=f"=={package.version}",
            channel=strip_channel(named.get(package.name, "")),
        )
        yield _Entry(text=str(spec), comments=remarks(package, lock.reasons, indent="    "))


def _pip_pins(lock: CondaLock, platform: CondaPlatformLock) -> list[_Entry]:
    packages = told(platform.pip) if platform.pip else ()
    return [
        _Entry(
            text=f"{each.name}=={each.version}",
            comments=remarks(each, lock.reasons, indent="        "),
        )
        for each in packages
    ]


def read(name: str, text: str, gathered: Gathered) -> None:
    """Read exact pins of conda and pip.

    Raises:
        UsageError: it is no such file; says the line.
    """
    lines = text.splitlines()
    file = parse_environment_yml(name, text)
    if file.mapped is not None:
        raise UsageError(f"{name}:{file.mapped}: dependencies is a map, and not a list")
    head = gathered.heading
    said = file.values.get("name")
    head.name = "" if said is None or said.text in NOTHING else said.text
    words = [each.text for each in file.lists.get("channels", ())]
    head.nodefaults = "nodefaults" in words
    head.channels = tuple(word for word in words if word != "nodefaults")
    gathered.variables = {key: each.text for key, each in file.variables.items()}
    gathered.of(head.platform)
    for entry in file.dependencies:
        where = f"{name}:{entry.line}"
        under = comments_under(lines, entry.end)
        if entry.lost:
            raise UsageError(f"{where}: {entry.odd}")
        if entry.by is By.PIP:
            pin = read_pin(where, entry.text, ())
            gathered.pip(where, head.platform, pin.package, under)
        elif not entry.odd:
            gathered.conda(where, head.platform, _pinned(where, entry.text), under)


def _pinned(where: str, text: str) -> CondaPackage:
    try:
        spec = parse_spec(text, origin=where)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", *error.remedies) from None
    match = _EXACT.fullmatch(spec.version)
    if match is None or (match[1] == "=" and not spec.build):
        raise UsageError(
            f"{where}: {one_line(text)!r} is not an exact pin (name==version)",
            f"make a lock from this file: envlock lock -r {where.rpartition(':')[0]}",
        )
    return CondaPackage(
        name=spec.name,
        version=match[2],
        build=spec.build,
        build_number=0,
        subdir="",
        channel=spec.channel,
        url="",
    )


def _variables(variables: Mapping[str, str]) -> Iterator[str]:
    """The variables, without those whose value is a secret of a URL."""
    if variables:
        yield "variables:"
    for name, value in sorted(variables.items()):
        if redact(value, certain=True) == value:
            yield f"  {quoted(name)}: {exactly(value)}"
        else:
            yield f"  # {one_line(f'{name} is left out: it holds a credential')}"
