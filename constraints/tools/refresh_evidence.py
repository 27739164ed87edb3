"""Bring evidence, and what is drawn from it, up to date.

    refresh_evidence.py                    releases, matrix, check, drafts, page, picture, README
    refresh_evidence.py --draw             only what is drawn from the evidence that there is
    … --tensorflow '>=2.20' --python 3.12  run a part of the matrix

Run it in the development environment. What has evidence is not run again, so
that it costs what is new: a release, an h5py minor, or all when the probe has
changed. A set that fails and that no rule explains is taken apart by
``envlock bisect``; the draft of a rule goes to a folder beside the rules.
The exit code is that of ``envlock matrix check``, once all is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from envlock.cli import run
from envlock.commands.matrix.evidence import check, levels
from envlock.commands.matrix.evidence import drawn as pictures
from envlock.errors import EnvlockError
from envlock.evidence import library
from envlock.evidence.values import RULES
from envlock.matrix.plan import missing_cells
from envlock.page.board import boards, summary
from envlock.rules import database
from envlock.system import make_folder, read_text, write_texts
from tools import update_releases

ROOT = Path(__file__).parents[2]
_PICTURE = "![TensorFlow by Python: a plain resolve, and envlock's lock](docs/matrix.svg)"
_BEGIN, _END = "<!-- evidence -->\n", "<!-- /evidence -->\n"


def main(words: Sequence[str] | None = None) -> int:
    """Refresh; return the exit code."""
    parser = argparse.ArgumentParser(description="Bring evidence up to date.")
    parser.add_argument("--draw", action="store_true", help="run nothing")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="the checkout")
    parser.add_argument("--index-url", default="https://pypi.org/simple", metavar="URL")
    parser.add_argument("--workers", default="2", metavar="N")
    parser.add_argument("--tensorflow", metavar="SPEC", help="releases to run")
    parser.add_argument("--python", metavar="MINORS", help="such as 3.11,3.12")
    options = parser.parse_args(words)
    evidence = options.root / "constraints" / "envlock_constraints" / "evidence"
    try:
        if not options.draw:
            _run_what_is_new(options, evidence)
        code = _told("matrix", "check", "--evidence", evidence)
        make_folder(options.root / "docs")
        write_texts(drawn(options.root))
    except EnvlockError as error:
        print("\n  try: ".join((f"error: {error}", *error.remedies)), file=sys.stderr)
        return error.exit_code
    return code


def _run_what_is_new(options: argparse.Namespace, evidence: Path) -> None:
    index = ["--index-url", options.index_url]
    releases = evidence.parent / "releases"
    _stop_unless(update_releases.main(["--live", *index, "--data", str(releases)]), (0,))
    part = [
        f"--{name}={value}"
        for name in ("tensorflow", "python")
        if (value := getattr(options, name))
    ]
    what = ["--baseline", "--vary", "h5py", "--vary-newest", "--workers", options.workers]
    # 4: some cells could not be run; the others are on record.
    _stop_unless(_told("matrix", "run", *what, *part, *index, "--evidence", evidence), (0, 4))
    drafts = options.root / "constraints" / "drafts"
    for cell, name in unexplained(evidence):
        make_folder(drafts)
        file = evidence / cell
        draft = drafts / f"{Path(cell).stem}-{name.replace(' ', '-')}.yaml"
        if not draft.exists():
            pair = [f"{file}#{RULES}", f"{file}#{name}"]
            _told("bisect", *pair, "--narrow", *index, "--output", draft)


def unexplained(evidence: Path) -> list[tuple[str, str]]:
    """Return file and name of the sets that fail, without a rule that says why."""
    judged = check(evidence, ()).judgement
    return [(each.cell.filename, each.name) for each in judged.unexplained if each.name != RULES]


def drawn(root: Path) -> dict[Path, str]:
    """Return the files that are made from the evidence of a checkout, README included."""
    evidence = root / "constraints" / "envlock_constraints" / "evidence"
    readme = root / "README.md"
    before, begin, rest = read_text(readme).partition(_BEGIN)
    _, end, after = rest.partition(_END)
    cells = library.load(evidence).cells
    if not cells:
        return {readme: f"{before}{begin}{end}{after}"}
    board = max(boards(cells, missing_cells(cells)), key=lambda each: len(each.cells))
    text = summary(board, database.load().rules, levels())
    return {
        **pictures(root / "docs", evidence, ()),
        readme: f"{before}{begin}{text}\n\n{_PICTURE}\n\n{end}{after}",
    }


def _told(*words: str | Path) -> int:
    shown = [str(each) for each in words]
    print("+ envlock", *shown, flush=True)
    return run(shown)


def _stop_unless(code: int, fine: Sequence[int]) -> None:
    if code not in fine:
        raise SystemExit(code)


if __name__ == "__main__":
    sys.exit(main())
