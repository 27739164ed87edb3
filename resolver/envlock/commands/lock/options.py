"""Options for pip in the files of a request: where packages come from, and which files are taken.

They count as pip has them where the user named the file: what was typed goes
before them, and each is told. Of a file that only the folder names, those that
say where packages come from count as a project's do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.choices import EVERY, NONE, Kinds
from envlock.cli.options import IndexOptions
from envlock.cli.orders import refuse_unencrypted, tell_place
from envlock.cli.output import talk
from envlock.errors import UsageError
from envlock.formats.faults import safe, shown
from envlock.formats.requirements import INDEX
from envlock.index.secrets import learn_url, redact
from envlock.request.files import FileOption
from envlock.system.looking import exists

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
#: What turns a protection off, or every index.
_OF_USERS = frozenset({"--no-index", "--trusted-host"})


def with_options(
    index: IndexOptions, found: Iterable[FileOption], *, named: bool
) -> tuple[IndexOptions, Kinds, tuple[str, ...]]:
    """Return what was typed with what files say besides, each told once; and these, redacted.

    ``named`` says that the user named the files.

    Raises:
        UsageError: an option is not a file's to say, or makes no sense.
    """
    kinds, told = Kinds(), dict[str, None]()
    hosts = [f.option.value for f in found if f.option.name == "--trusted-host" and named]
    own = index
    for each in found:
        option = each.option
        if option.name in _OF_USERS and not named:
            raise UsageError(
                f"{each.where}: {shown(str(option))} is for whoever names the file to say",
                f"envlock lock -r {safe(each.where.rpartition(':')[0])}",
            )
        if option.name in INDEX:
            index = _with_place(index, own, each, hosts)
        else:
            kinds = _with_kind(kinds, each)
            talk(f"{each.where}: {safe(str(option))} is obeyed")
        told[f"{each.where}: {redact(str(option), certain=True)}"] = None
    return index, kinds, tuple(told)


def _with_place(
    index: IndexOptions, own: IndexOptions, found: FileOption, hosts: Iterable[str]
) -> IndexOptions:
    """The options with one that says where packages come from; a typed index stays."""
    name, value = found.option.name, _filled(found)
    if name == "--no-index":
        talk(f"{found.where}: --no-index is obeyed")
        return replace(index, no_index=True)
    if name == "--trusted-host":
        talk(f"{found.where}: --trusted-host: {safe(value)} is trusted")
        return replace(index, trusted_host=(*index.trusted_host, value))
    if name == "--find-links" and "://" not in value and exists(found.base / value):
        value = str(found.base / value)
    where = f"{found.where}: {name.removeprefix('--')}"
    refuse_unencrypted(where, value, (*own.trusted_host, *hosts))
    tell_place(where, value)
    if name == "--index-url":
        return index if own.index_url else replace(index, index_url=value)
    if name == "--extra-index-url":
        return replace(index, extra_index_url=(*index.extra_index_url, value))
    return replace(index, find_links=(*index.find_links, value))


def _filled(found: FileOption) -> str:
    """The value of an option, with that of a variable in the place of credentials alone."""
    value = found.option.value
    names = _VARIABLE.findall(value)
    if not names:
        return value
    where, _, _ = urlsplit(value).netloc.rpartition("@")
    lacks = [name for name in names if name not in os.environ]
    outside = sorted({*names} - {*_VARIABLE.findall(where)}) or value.count("${") > where.count(
        "${"
    )
    if outside or not value.lower().startswith("https://"):
        raise UsageError(
            f"{found.where}: {shown(str(found.option))} holds ${{{names[0]}}}: the value of a"
            " variable goes into the place of credentials alone, over https",
            f"write the value of ${{{names[0]}}} out",
        )
    if lacks:
        raise UsageError(f"{found.where}: {lacks[0]} is not set", f"export {lacks[0]}=VALUE")
    host = urlsplit(value).hostname
    for name in names:
        talk(f"{found.where}: {host} asks for the value of ${name}")
    value = _VARIABLE.sub(lambda match: os.environ[match[1]], value)
    learn_url(value)
    return value


_KINDS: Mapping[str, str] = {
    "--all-releases": "all_releases",
    "--no-binary": "no_binary",
    "--only-binary": "only_binary",
    "--only-final": "only_final",
}


def _with_kind(kinds: Kinds, found: FileOption) -> Kinds:
    """The kinds with one more word of pip's, as pip reads it: the last word on a package counts."""
    if found.option.name == "--pre":
        return replace(kinds, all_releases=(EVERY,))
    key = _KINDS[found.option.name]
    said: tuple[str, ...] = getattr(kinds, key)
    for word in found.option.value.split(","):
        name = word.strip()
        said = () if name == NONE else (*said, name if name == EVERY else canonicalize_name(name))
    other = {"no_binary": "only_binary", "only_binary": "no_binary"}.get(key)
    if other is None:
        return replace(kinds, **{key: said})
    left = tuple(each for each in getattr(kinds, other) if each not in said)
    return replace(kinds, **{key: said, other: left})
