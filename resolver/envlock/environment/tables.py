"""What all RECORDs of a site-packages folder say, by folder and name.

Not entered: bytecode, metadata, tests and C headers, which people remove and
which no import reads; and what lies outside of the folder, such as scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from envlock.environment.records import Distribution, Site, recorded

_PASSED_OVER = frozenset({"__pycache__", "tests", "include", ".."})

#: What RECORD says of a file: hash, size in bytes, whose it is.
Entry = tuple[str, str, Distribution]


class Table(Struct, frozen=True, kw_only=True):
    """The files of all distributions; paths are relative to the folder, with ``/``.

    ``entries`` maps a folder ("" is the folder itself) and a name to the last
    entry, ``twice`` to both where two distributions differ about a file.
    ``folders`` are all that anything is recorded under. ``counts`` are the
    files of each distribution, ``unrecorded`` says why one has none here.
    """

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    twice: dict[tuple[str, str], tuple[Entry, Entry]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    counts: dict[Distribution, int] = field(default_factory=dict)
    unrecorded: dict[Distribution, str] = field(default_factory=dict)

    def packages(self) -> Mapping[str, Distribution]:
        """Whose each top-level package is."""
        return {
            folder: names["__init__.py"][2]
            for folder, names in self.entries.items()
            if "/" not in folder and "__init__.py" in names
        }


def read_table(site: Site) -> Table:
    """Read the RECORDs of a site-packages folder."""
    table = Table()
    passed_over: set[str] = set()
    for distribution in site.distributions:
        _enter(distribution, table, passed_over)
    _add_parents(table.folders, (*table.entries, *passed_over))
    return table


def _enter(distribution: Distribution, table: Table, passed_over: set[str]) -> None:
    rows = recorded(distribution)
    if isinstance(rows, str):
        table.unrecorded[distribution] = rows
        return
    count = 0
    for folder, name, digest, size in rows:
        names = table.entries.get(folder)
        if names is None:
            if folder in passed_over:
                continue
            if not _is_entered(folder):
                passed_over.add(folder)
                continue
            table.entries[folder] = names = {}
        count += 1
        entry = (digest, size, distribution)
        before = names.setdefault(name, entry)
        if before is not entry:
            names[name] = entry
            if before[:2] != entry[:2]:
                table.twice[folder, name] = (before, entry)
    table.counts[distribution] = count


def _is_entered(folder: str) -> bool:
    parts = folder.split("/")
    return (
        _PASSED_OVER.isdisjoint(parts)
        and not parts[0].endswith(".dist-info")
        and not (folder.startswith("/") or ":" in parts[0])
    )


def _add_parents(found: set[str], folders: Iterable[str]) -> None:
    for folder in folders:
        parent = folder
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
