"""Bring the tables of public names in ``envlock_constraints/api`` up to date.

    update_api.py                        read the releases that are not on record
    update_api.py --only keras --again   read all of one distribution again
    … --check                            write nothing, exit 1 if a table would change

Run it in the development environment (an editable install with the ``dev``
extra). ``distributions.json`` says which distributions there are and how they
are read: from the syntax of the modules in a wheel, of which only what is needed
is downloaded, or (NumPy) by an interpreter that uv runs with the release. What
was downloaded is kept in ``--cache``, outside the repository, so that a second
run takes seconds a release.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

import msgspec
from packaging.version import Version
from unearth import Link, PackageFinder

from envlock.errors import EnvlockError, IndexFailure, WorkError
from envlock.index.handover import uv_program
from envlock.names import Table, is_there, token_at
from envlock.system import cache_folder, make_folder, read_text, run, write_files
from tools import api_modules, api_surface
from tools.api_surface import Code, Layout, importable, surface
from tools.api_table import Surface, differences, render
from tools.wheel_members import Members

DATA = Path(__file__).parents[1] / "envlock_constraints" / "api"
_SCRIPT = Path(__file__).parent / "scripts" / "list_names.py"
#: Modules that lead to others that must be read too: how often that may go on.
_ROUNDS = 15
#: A wheel with fewer modules is an empty shell that pulls in another one.
_SHELL = 2
#: The newest Python that a release is listed by.
_NEWEST = (3, 13)


class Elsewhere(msgspec.Struct, frozen=True):
    """What a name stands for in another distribution, from a minor on; "" for nothing."""

    since: str
    name: str


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a distribution is read; ``constraints/README.md`` explains the fields."""

    imports: tuple[str, ...]
    oldest: str
    files: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    with_: tuple[str, ...] = msgspec.field(default=(), name="with")
    elsewhere: dict[str, tuple[Elsewhere, ...]] = {}
    how: str = "wheel"
    title: str = ""
    written: tuple[str, ...] = ()
    said: dict[str, str] = {}
    classes: dict[str, str] = {}


#: Fields that are not about how a distribution is read.
_ASIDE = ("elsewhere", "title", "written", "said", "classes")


def sources(data: Path) -> dict[str, Source]:
    """Return the distributions of a folder and how they are read."""
    return msgspec.json.decode(read_text(data / "distributions.json"), type=dict[str, Source])


class Reader:
    """Reads releases of distributions from an index."""

    def __init__(self, url: str, cache: Path, known: Mapping[str, Source]) -> None:
        self._url = url
        self._cache = cache
        self._known = known
        self._finder = PackageFinder(index_urls=[url], ignore_compatibility=True)

    def releases(self, name: str) -> dict[Version, list[Link]]:
        """Return the files of the last patch of each minor, oldest first."""
        source = self._known[name]
        found: dict[Version, list[Link]] = {}
        for each in source.files or (name,):
            for package in self._finder.find_all_packages(each, allow_yanked=True):
                version = Version(package.version or "0")
                if version >= Version(source.oldest) and not version.is_prerelease:
                    found.setdefault(version, []).append(package.link)
        if not found:
            raise IndexFailure(f"{self._url}: no release of {name} found")
        last = {version.release[:2]: version for version in sorted(found)}
        return {version: found[version] for version in last.values()}

    def surface(self, name: str, version: Version, links: Sequence[Link]) -> dict[str, str]:
        """Return the names of one release and their tokens."""
        source = self._known[name]
        kept = self._cache / f"{name}-{version}-{_digest(source)}.json"
        if kept.exists():
            listed: dict[str, str] = json.loads(kept.read_bytes())
        else:
            reading = self._listed if source.how == "import" else self._read
            listed = reading(name, version, links, source)
            write_files({kept: json.dumps(listed).encode()})
        for short, others in source.elsewhere.items():
            for other in others:
                if version >= Version(other.since):
                    listed = {name: token for name, token in listed.items() if not _in(name, short)}
                    listed |= {short: f"={other.name}"} if other.name else {}
        return listed

    def _read(
        self, name: str, _version: Version, links: Sequence[Link], source: Source
    ) -> dict[str, str]:
        members, places = self._modules(links, source)
        code = Code({module: package for module, (_, package) in places.items()})
        layout = self._layout(name, source)
        wanted = {each for each in code.modules if layout.is_public(each)}
        for _ in range(_ROUNDS):
            wanted = {each for each in wanted if code.modules[each] is not None}
            content = members.read(places[each][0] for each in wanted)
            code.load({each: _named(content[places[each][0]], source) for each in wanted})
            found = surface(code, layout)
            wanted = set(code.missing)
            if not wanted:
                break
        return found

    def _layout(self, name: str, source: Source) -> Layout:
        others = (each.imports for key, each in self._known.items() if key != name)
        return Layout(
            roots=source.imports,
            public=source.public or source.imports,
            behind=source.behind,
            unlisted=source.unlisted,
            private=frozenset(source.private),
            foreign=frozenset(package for imports in others for package in imports),
        )

    def _modules(
        self, links: Sequence[Link], source: Source
    ) -> tuple[Members, dict[str, tuple[str, bool | None]]]:
        """Return the first file that is no empty shell, and its modules by their names."""
        for link in sorted(links, key=_preference):
            members = Members(link, self._cache)
            places = importable(members.names)
            for old, new in source.renamed.items():
                if old in places:  # what has the new name there only leads to the old one
                    own = {k: v for k, v in places.items() if k.partition(".")[0] != new}
                    places = {new + k[len(old) :] if _in(k, old) else k: v for k, v in own.items()}
            places = {k: v for k, v in places.items() if any(_in(k, i) for i in source.imports)}
            if len(places) >= _SHELL or f"{source.imports[0]}.py" in members.names:
                return members, places
        raise IndexFailure(f"{links[0].filename}: no file with {source.imports[0]} in it")

    def _listed(
        self, name: str, version: Version, links: Sequence[Link], source: Source
    ) -> dict[str, str]:
        """Return the names that an interpreter lists; modules without one are importable only."""
        words = ["run", "--quiet", "--no-project", "--python", _python(links)]
        words += ["--default-index", self._url, "--with", f"{name}=={version}"]
        done = run([uv_program(), *words, "--", "python", _SCRIPT, *source.imports])
        if done.returncode:
            raise WorkError(f"{name} {version} cannot be listed: {done.stderr.strip()}")
        _, places = self._modules(links, source)
        return {**dict.fromkeys(places, "o"), **json.loads(done.stdout)}


def _digest(source: Source) -> str:
    """Return what changes when a distribution is read in another way.

    What is ``elsewhere`` is put in after what was read, and others tell what it is called.
    """
    tools = (api_modules.__file__, api_surface.__file__, str(_SCRIPT))
    texts = [Path(each).read_bytes() for each in tools]
    return hashlib.sha256(
        b"".join(
            (
                *texts,
                repr(
                    {k: v for k, v in msgspec.structs.asdict(source).items() if k not in _ASIDE}
                ).encode(),
            )
        )
    ).hexdigest()[:12]


def _named(content: bytes, source: Source) -> bytes:
    for old, new in source.renamed.items():
        content = content.replace(old.encode(), new.encode())
    return content


def _in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _preference(link: Link) -> tuple[int, int, str]:
    """Return what files sort by: wheels for all, then those that are small, of a new Python."""
    name = link.filename
    kinds = ("none-any.whl", "win_amd64.whl", "x86_64.whl", ".whl")
    kind = next((at for at, end in enumerate(kinds) if name.endswith(end)), len(kinds))
    return kind, -_minor(name), name


def _minor(filename: str) -> int:
    """Return the CPython minor that a wheel is for: 9 for cp39."""
    tag = filename.removesuffix(".whl").split("-")[-3] if filename.endswith(".whl") else ""
    digits = "".join(takewhile(str.isdigit, tag.removeprefix("cp3")))
    return int(digits) if tag.startswith("cp3") and digits else 0


def _python(links: Sequence[Link]) -> str:
    minors = {_minor(link.filename) for link in links if "manylinux" in link.filename}
    return f"{_NEWEST[0]}.{max(each for each in minors if each <= _NEWEST[1])}"


def read_table(path: Path) -> dict[str, Surface]:
    """Return what a table says of each of its releases; nothing where it is missing."""
    if not path.exists():
        return {}
    table = Table(path.name, gzip.decompress(path.read_bytes()))
    found: list[dict[str, str]] = [{} for _ in table.releases]
    for name, there, tokens in table.lines():
        for at, names in enumerate(found):
            if is_there(there, at):
                names[name] = token_at(tokens, at)
    return dict(zip(map(str, table.releases), found, strict=True))


def packed(text: str) -> bytes:
    """Return the bytes of a table's file: the same for the same text."""
    return gzip.compress(text.encode(), 9, mtime=0)


def update(name: str, reader: Reader, path: Path, *, again: bool) -> tuple[list[str], bytes]:
    """Return what changes in a table, and its new content."""
    old = read_table(path)
    new: dict[str, Surface] = {}
    for version, links in reader.releases(name).items():
        key = str(version)
        if again or key not in old:
            print(f"reading {name} {version}", file=sys.stderr, flush=True)
            new[key] = reader.surface(name, version, links)
        else:
            new[key] = old[key]
    return differences(old, new), packed(render({"distribution": [name]}, new))


def main(words: Sequence[str] | None = None) -> int:
    """Update the tables, or check them; return the exit code."""
    parser = argparse.ArgumentParser(description="Bring the tables of public names up to date.")
    parser.add_argument("--index-url", default="https://pypi.org/simple", metavar="URL")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder to update")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="what was downloaded is kept here"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this distribution")
    parser.add_argument("--again", action="store_true", help="read what is on record again")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 if data would change"
    )
    options = parser.parse_args(words)
    try:
        cache = options.cache or cache_folder("api")
        make_folder(cache)
        known = sources(options.data)
        changed = _updated(options, Reader(options.index_url, cache, known), options.only or known)
    except EnvlockError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if not changed:
        print("nothing to change")
    return 1 if changed and options.check else 0


def _updated(options: argparse.Namespace, reader: Reader, chosen: Collection[str]) -> bool:
    """Update each distribution in turn, so that what was read is not lost; whether any changed."""
    changed = False
    for name in chosen:
        path = options.data / f"{name}.tsv.gz"
        lines, content = update(name, reader, path, again=options.again)
        print(*(f"{name} {line}" for line in lines), sep="\n", end="\n" if lines else "")
        changed |= bool(lines)
        if lines and not options.check:
            write_files({path: content})
    return changed


if __name__ == "__main__":
    sys.exit(main())
