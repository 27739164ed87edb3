"""Run both sides of each line of ``envlock_constraints/abi.yaml``, and write down what was seen.

    check_abi.py                       the lines that nothing was run of
    check_abi.py --only pandas --again one of them again
    check_abi.py --try NAME==RELEASE   run it on both sides of a bound that is not on record

Run it in the development environment. A line says from which release on a
package runs with a newer one of what it was built with. That release and the
one before it are installed beside it, whatever they declare, each in a scratch
environment, and imported and used as ``uses.yaml`` has it. Where the older one
fails and the newer one runs, the line gets a ``ran``; anything else is printed,
and the line stays as it is. The file is written after each line, so that a run
that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml
from msgspec import Struct
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.environment.inspect import installed
from envlock.errors import EnvlockError, UsageError
from envlock.index.filenames import releases
from envlock.index.handover import uv_program
from envlock.index.pages import Index
from envlock.model import IndexSettings
from envlock.outcomes import Passed
from envlock.probes.imports import importing, lacking
from envlock.system import read_text, run, scratch, write_texts

FILE = Path(__file__).parents[1] / "envlock_constraints" / "abi.yaml"
_MINORS = ("3.11", "3.10", "3.12", "3.9")
_SHORT = 140  # characters of what a release says


class Line(Struct, frozen=True, kw_only=True):
    """From which release on a package runs beside a range of another; ``row`` is how it stands."""

    name: NormalizedName
    first: Version
    beside: Mapping[str, str]
    row: str
    has_run: bool


class Seen(Struct, frozen=True, kw_only=True):
    """What one release did beside the pins that it had; ``says`` is "" where it runs."""

    version: Version
    beside: Mapping[str, str]
    says: str


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Run both sides of each line of abi.yaml.")
    parser.add_argument("--only", metavar="NAMES", default="", help="such as pandas,scipy")
    parser.add_argument("--again", action="store_true", help="also what was run before")
    parser.add_argument("--try", dest="tried", metavar="NAME==RELEASE", action="append", default=[])
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(words)
    only = {canonicalize_name(each) for each in options.only.split(",") if each}
    odd = 0
    try:
        if options.tried:
            for each in options.tried:
                asked = Requirement(each)
                first = Version(next(iter(asked.specifier)).version)
                name = canonicalize_name(asked.name)
                told(Line(name=name, first=first, beside={"numpy": ">=2"}, row="", has_run=False))
            return 0
        for line in lines(read_text(options.file)):
            if (only and line.name not in only) or (line.has_run and not options.again):
                continue
            ran = told(line)
            odd += ran is None
            if ran is not None:
                text = read_text(options.file)
                write_texts({options.file: noted(text, line, ran)})
    except EnvlockError as error:
        print("\n  try: ".join((f"error: {error}", *error.remedies)), file=sys.stderr)
        return error.exit_code
    return 1 if odd else 0


def lines(text: str) -> Iterator[Line]:
    """Yield the lines that require a release of one package beside a newer one of another."""
    for document in yaml.safe_load_all(text):
        for case in document.get("cases", ()):
            ((name, wanted),) = case["require"].items()
            yield Line(
                name=canonicalize_name(name),
                first=Version(wanted.removeprefix(">=")),
                beside={**document.get("when", {}), **case.get("when", {})},
                row=f'require: {{{name}: "{wanted}"}}',
                has_run="ran" in case,
            )


def told(line: Line) -> Mapping[str, object] | None:
    """Run both sides of a bound and print it; return what is written down, None for a doubt."""
    for minor in _MINORS:
        pair = _pair(line, minor)
        if pair is not None:
            break
    else:
        print(f"{line.name} {line.first}: there is no wheel of it and one before it", flush=True)
        return None
    before, first = (_seen(line, version, minor) for version in pair)
    said = " | ".join(f"{each.version}: {each.says or 'runs'}" for each in (before, first))
    print(f"{line.name} on {minor} with {dict(first.beside)}: {said}", flush=True)
    if not before.says or first.says or before.beside != first.beside:
        return None
    return {
        "python": minor,
        "beside": dict(first.beside),
        "fails": str(before.version),
        "says": before.says,
        "passes": str(first.version),
        "checked": datetime.now(UTC).date().isoformat(),
    }


def _pair(line: Line, minor: str) -> tuple[Version, Version] | None:
    """The last release before a bound and the first from it on that have wheels for a Python."""
    tags = {f"cp{minor.replace('.', '')}", "abi3", "none"}
    found = [
        version
        for version, files in releases(Index(IndexSettings()).files(line.name)).items()
        if not version.is_prerelease
        and any(_fits(file.filename, tags) and file.yanked is None for file in files)
    ]
    older = [each for each in found if each < line.first]
    newer = [each for each in found if each >= line.first]
    return (max(older), min(newer)) if older and newer else None


def _fits(filename: str, tags: set[str]) -> bool:
    if not filename.endswith(".whl"):
        return False
    _, abi, platform = filename.removesuffix(".whl").rsplit("-", 2)
    return not tags.isdisjoint(abi.split(".")) and (
        platform == "any" or ("manylinux" in platform and "x86_64" in platform)
    )


def _seen(line: Line, version: Version, minor: str) -> Seen:
    """Install a release beside the others, whatever it declares, and import and use it."""
    others = {name: _lowest(bound) for name, bound in line.beside.items()}
    with scratch("envlock-abi-") as folder:
        python = folder / "env" / "bin" / "python"
        held = folder / "held.txt"
        write_texts({held: "".join(f"{name}{bound}\n" for name, bound in others.items())})
        run([uv_program(), "venv", "--quiet", "--python", minor, folder / "env"])
        command: list[str | Path] = [uv_program(), "pip", "install", "--quiet", "--python", python]
        command += ["--only-binary", ":all:", "--override", held, f"{line.name}=={version}"]
        done = run([*command, *(f"{name}{bound}" for name, bound in others.items())])
        if done.returncode:
            raise UsageError(f"{line.name} {version} cannot be installed:\n{done.stderr}")
        with importing(python, [line.name]) as work:
            pass
        pins = installed(folder / "env")
        (outcome,) = work.outcomes
        words = lacking(outcome) or ("" if isinstance(outcome, Passed) else str(outcome))
    says = (words.partition(": ")[2] or words).strip()
    return Seen(
        version=version,
        beside={name: str(pins[canonicalize_name(name)]) for name in others},
        says=says if len(says) <= _SHORT else f"{says[: _SHORT - 1]}…",
    )


def _lowest(bound: str) -> str:
    """The newest patch of the first minor of a range."""
    (part,) = SpecifierSet(bound)
    major, minor, *_ = (*Version(part.version).release, 0)
    return f"=={major}.{minor}.*"


def noted(text: str, line: Line, ran: Mapping[str, object]) -> str:
    """The file with what was run of a line below it."""
    rows = text.splitlines()
    told = yaml.safe_dump(ran, default_flow_style=True, sort_keys=False, width=10_000).strip()
    end = next(number for number, row in enumerate(rows, 1) if line.row in row)
    while end < len(rows) and rows[end].startswith("    ran: "):
        del rows[end]
    rows.insert(end, f"    ran: {told}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
