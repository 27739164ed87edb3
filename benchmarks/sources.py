"""Old source distributions on each CPython: built plainly, and by envlock's law.

    python benchmarks/sources.py PYTHON … [--folder build/sources] [NAME==VERSION …]

PYTHON are paths of interpreters. What was found is kept in the folder, a line
for each cell, and a run that was stopped goes on where it was. Prints a table
in Markdown: *plain* is built with today's tools, *wheel* needs no building,
other words are the way of the law that built it, and what cannot be built has
its cause below the table.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.index.pages import Index
from envlock.model import IndexSettings, Request, Target
from envlock.progress import Silent
from envlock.sdists.building import Made, NotBuilt, SourceRelease
from envlock.sdists.keeping import wheel_of
from envlock.targets.find import find, terms
from envlock.targets.tags import installable, taken

#: What issues and real requirement files pin, most of it by name in the files of many projects.
DISTRIBUTIONS = (
    *("pyyaml==5.4.1", "pyyaml==5.3", "pyyaml==3.12", "suds-jurko==0.6", "demjson==2.2.4"),
    *("termcolor==1.1.0", "wrapt==1.11.2", "gast==0.2.2", "gym==0.18.0", "gym==0.19.0"),
    *("gym==0.20.0", "gym==0.21.0", "sklearn==0.0", "sklearn==0.0.post12"),
    *("absl-py==0.9.0", "nltk==3.4.5", "promise==2.3", "pathtools==0.1.2", "markupsafe==1.0"),
    *("future==0.17.1", "tornado==4.5.1", "pyrsistent==0.14.11", "psutil==5.6.3"),
    *("typed-ast==1.4.3", "pandocfilters==1.4.2"),
)
_LAW = re.compile(r"^with the build tools .*$")


def main() -> None:
    """Fill what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="+")
    parser.add_argument("--folder", type=Path, default=Path("build/sources"))
    options = parser.parse_args()
    pythons = [each for each in options.words if "==" not in each]
    pins = [each for each in options.words if "==" in each] or list(DISTRIBUTIONS)
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["ENVLOCK_CACHE_DIR"] = str((options.folder / "cache").absolute())
    kept = options.folder / "cells.jsonl"
    known = dict(_read(kept))
    wanted = terms(Request(), SpecifierSet(), here=True)
    for goal in [find(python, None, wanted) for python in pythons]:
        for pin in pins:
            if (pin, goal.minor) not in known:
                said = _cell(pin, goal)
                known[pin, goal.minor] = said
                with kept.open("a", encoding="utf-8") as stream:
                    stream.write(f"{json.dumps([pin, goal.minor, said])}\n")
    print("\n".join(_table(known, pins)))


def _read(kept: Path) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else ():
        pin, minor, said = json.loads(line)
        yield (pin, minor), said


def _cell(pin: str, goal: Target) -> dict[str, str]:
    """How one distribution fares on one Python."""
    asked = Requirement(pin)
    name, version = canonicalize_name(asked.name), Version(str(asked.specifier)[2:])
    settings = IndexSettings()
    files = Index(settings).pinned({name: version})[name]
    file = taken(files, goal)
    if file is None:
        return {"way": "", "cause": "no file of it is for this Python"}
    if installable(file, goal):
        return {"way": "wheel"}
    source = SourceRelease(name=name, version=version, file=file, target=goal)
    made = wheel_of(source, settings, Silent())
    if isinstance(made, Made):
        way = _LAW.sub("its day", made.way) or "plain"
        mended = {"mended": "; ".join(made.built.mended)} if made.built.mended else {}
        return {"way": way, "tools": " ".join(made.built.tools), **mended}
    return {"way": "", "cause": made.cause if isinstance(made, NotBuilt) else "it was not read"}


def _table(known: Mapping[tuple[str, str], Mapping[str, str]], pins: list[str]) -> Iterator[str]:
    minors = sorted({minor for _, minor in known}, key=Version)
    yield f"| distribution | {' | '.join(minors)} |"
    yield f"|---|{'---|' * len(minors)}"
    causes: dict[str, list[str]] = {}
    plain = law = every = 0
    for pin in pins:
        row = []
        for minor in minors:
            said = known.get((pin, minor), {})
            way = said.get("way", "")
            row.append((way + ("*" if said.get("mended") else "")) or "no")
            every += way != "wheel"
            plain += way == "plain" and not said.get("mended")
            law += way not in {"", "wheel"}
            if cause := said.get("cause"):
                causes.setdefault(f"{pin}: {cause}", []).append(minor)
        yield f"| {pin} | {' | '.join(row)} |"
    yield ""
    yield f"Of {every} cells without a wheel {plain} are built plainly and {law} by the law."
    yield ""
    yield from (f"- {cause} ({', '.join(where)})" for cause, where in causes.items())


if __name__ == "__main__":
    main()
