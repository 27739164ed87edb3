"""Every script of the catalogue of errors raises in its cell what is kept of it."""

import re
from pathlib import Path
from typing import Any

import pytest

import envlock_constraints
from envlock.rules.messages import Folded
from envlock.rules.tables import EXPLAINS, parse
from support.reproductions import CELLS, build, raised

pytestmark = [pytest.mark.nightly, pytest.mark.e2e, pytest.mark.network]

FOLDER = Path(envlock_constraints.__file__).parent / EXPLAINS
#: Characters that are compared: behind them come times, addresses and whole configurations.
BEGINNING = 50
ADDRESS = re.compile(r"0x[0-9a-f]+")


def scripts(cell: str) -> dict[str, tuple[str, str]]:
    """The scripts of a cell, each with its document and what it raised."""
    documents: list[dict[str, Any]] = [
        document
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in parse(path.read_text(encoding="utf-8"))
    ]
    return {
        item["script"]: (document["id"], item["raises"][cell])
        for document in documents
        for item in document["examples"].get("provokes", ())
        if cell in item["raises"]
    }


def beginning(text: str) -> str:
    return ADDRESS.sub("", Folded(text).text)[:BEGINNING]


@pytest.mark.parametrize("cell", CELLS)
def test_a_script_raises_what_is_kept_of_it(cell: str, tmp_path: Path) -> None:
    kept = scripts(cell)
    said = dict(zip(kept, raised(build(cell, tmp_path / "venv"), list(kept)), strict=True))
    assert len(kept) > 40
    other = {
        name: (text, said[script])
        for script, (name, text) in kept.items()
        if beginning(said[script]) != beginning(text)
    }
    assert other == {}
