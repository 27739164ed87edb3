"""environment.yml: every package pinned, and portable. Pure.

No builds and no prefix: a build is of one channel state, a prefix of one
machine. ``==`` is exact to conda, one ``=`` a prefix of versions. A channel is
named beside a package where the request named it.

A lock without conda's packages has Python from conda-forge and everything
else from PyPI. Python is asked for as X.Y there: the pins hold for any patch of
it, and a conda channel seldom has the very patch that the lock was made with.
pip is listed because conda warns when a pip section has no pip. The section
holds plain requirements, and a requirement (PEP 508) has no place for hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.channel_words import strip_channel
from envlock.formats.comments import one_line, remarks, told
from envlock.formats.conda_spec import parse_spec
from envlock.formats.environment_yml import NOTHING, By, Entry, parse_environment_yml
from envlock.formats.gathered import Gathered
from envlock.formats.heading import channel_words, of_conda, of_pypi
from envlock.formats.nodes import comments_under
from envlock.formats.pins import read_pin
from envlock.formats.registry import FORMATS
from envlock.formats.scalars import exactly, quoted
from envlock.index.redact import redact
from envlock.model import CondaPackage, CondaSpec, Lock, Part

_ROW = FORMATS[Format.ENVIRONMENT]
_EXACT = re.compile(r"(==?)([^*,|<>=~\s]+)")
#: What conda has in an environment of which pip installs the rest.
_FRAME = re.compile(r"(python|pip)(\s*[=<>!~].*)?")


def render(lock: Lock) -> Mapping[str, str]:
    """Write the lock as conda environments, a file for each platform."""
    alone = len(lock.parts) == 1
    of = _of_conda if lock.of_conda else _of_pypi
    return {
        _ROW.filename_for(part, alone=alone): "\n".join(of(lock, part)) + "\n"
        for part in lock.parts
    }


def _of_pypi(lock: Lock, part: Part) -> Iterator[str]:
    yield from of_pypi(lock, [part])
    yield f"name: {quoted(lock.name)}"
    yield from ("channels:", "  - conda-forge", "dependencies:")
    yield f"  - {quoted(f'python={part.python}')}"
    yield "  - pip"
    yield from _pip_list(lock, part)


def _of_conda(lock: Lock, part: Part) -> Iterator[str]:
    yield from of_conda(lock, [part], native=True)
    if lock.name:
        yield f"name: {quoted(lock.name)}"
    channels = [*channel_words(lock), *(["nodefaults"] if lock.nodefaults else [])]
    yield from _list("channels:", channels)
    yield "dependencies:" if part.conda or part.pypi else "dependencies: []"
    named = {each.name: each.channel for each in lock.requested if each.channel}
    for package in sorted(part.conda, key=lambda each: each.name):
        channel = strip_channel(named.get(package.name, ""))
        spec = CondaSpec(name=package.name, version=f"=={package.version}", channel=channel)
        yield f"  - {quoted(str(spec))}"
        yield from remarks(package, lock.reasons, indent="    ")
    yield from _pip_list(lock, part)
    yield from _variables(lock.variables)


def _list(head: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield head
    yield from (f"  - {quoted(each)}" for each in items)


def _pip_list(lock: Lock, part: Part) -> Iterator[str]:
    packages = told(lock, part)
    if packages:
        yield "  - pip:"
    for package in packages:
        yield f"      - {quoted(f'{package.name}=={package.version}')}"
        yield from remarks(package, lock.reasons, indent="        ")


def _variables(variables: Mapping[str, str]) -> Iterator[str]:
    """The variables, without those whose value is a secret of a URL."""
    if variables:
        yield "variables:"
    for name, value in sorted(variables.items()):
        if redact(value, certain=True) == value:
            yield f"  {quoted(name)}: {exactly(value)}"
        else:
            yield f"  # {one_line(f'{name} is left out: it holds a credential')}"


def read(name: str, text: str, gathered: Gathered) -> None:
    """Read exact pins of conda and pip; where conda has no more than python and pip, of pip.

    Raises:
        UsageError: it is no such file; says the line.
    """
    lines = text.splitlines()
    file = parse_environment_yml(name, text)
    if file.mapped is not None:
        raise UsageError(f"{name}:{file.mapped}: dependencies is a map, and not a list")
    for entry in file.dependencies:
        if entry.lost:
            raise UsageError(f"{name}:{entry.line}: {entry.odd}")
    head = gathered.heading
    said = file.values.get("name")
    head.name = "" if said is None or said.text in NOTHING else said.text
    if not head.subdir and all(map(_is_frame, file.dependencies)):
        gathered.of("")
        for entry in file.dependencies:
            if entry.by is By.PIP:
                under = comments_under(lines, entry.end)
                gathered.pin(read_pin(f"{name}:{entry.line}", entry.text, under))
        return
    words = [each.text for each in file.lists.get("channels", ())]
    head.nodefaults = "nodefaults" in words
    head.channels = tuple(word for word in words if word != "nodefaults")
    gathered.variables = {key: each.text for key, each in file.variables.items()}
    _take(name, lines, file.dependencies, gathered)


def _is_frame(entry: Entry) -> bool:
    return entry.by is By.PIP or bool(entry.odd) or _FRAME.fullmatch(entry.text) is not None


def _take(name: str, lines: Sequence[str], entries: Iterable[Entry], gathered: Gathered) -> None:
    subdir = gathered.heading.subdir
    gathered.of(subdir)
    for entry in entries:
        where = f"{name}:{entry.line}"
        under = comments_under(lines, entry.end)
        if entry.by is By.PIP:
            gathered.beside(where, subdir, read_pin(where, entry.text, ()).package, under)
        elif not entry.odd:
            gathered.conda(where, subdir, _pinned(where, entry.text), under)


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
