"""What the evidence of a platform comes to, in a few sentences with the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence

from envlock.evidence.explain import is_refused
from envlock.evidence.values import PLAIN, RULES, ProvedSet
from envlock.model import Rule
from envlock.page.board import Board
from envlock.page.levels import Levels, passing
from envlock.rules.frameworks import framework
from envlock.versions import minor_of
from envlock.words import counted


def summary(board: Board, rules: Sequence[Rule], levels: Levels) -> str:
    """Say what was run, and how much of it passes the gate: a plain resolve, and envlock's lock."""
    own, plain = board.compared.sets(RULES), board.compared.sets(PLAIN)
    oldest, newest = board.releases[-1].version, board.releases[0].version
    pythons = f"{board.pythons[0]} to {board.pythons[-1]}"
    with_plain = f"with a plain resolve in {_of(plain, levels)}, " if plain else ""
    releases = f"{framework().title} {minor_of(oldest)} to {minor_of(newest)}"
    cells = f"{counted(len(board.main.cells), 'cell')} on {board.platform}, run {board.days}"
    others = board.others
    more = f"; of other builds in {_of(others.sets(RULES), levels)}" if others else ""
    sentences = [
        f"{cells}: {releases} on Python {pythons}.",
        f"The gate passes {with_plain}with envlock's lock in {_of(own, levels)}{more}.",
    ]
    return " ".join([*sentences, *_pairs(board, rules, levels)])


def _pairs(board: Board, rules: Sequence[Rule], levels: Levels) -> list[str]:
    pairs = [
        (evidence.cell, proved)
        for evidence, sets in board.pairs
        for proved in sets.values()
        if proved.packages
    ]
    if not pairs:
        return []
    bad = [(cell, proved) for cell, proved in pairs if not proved.passes(levels.gate)]
    text = f"Of {counted(len(pairs), 'pair')} of TensorFlow and h5py {len(pairs) - len(bad)} pass"
    if bad:
        refused = sum(is_refused(rules, cell, proved) for cell, proved in bad)
        which = f"all {refused}" if refused == len(bad) else f"{refused} of the {len(bad)}"
        text += f"; a rule or metadata refuses {which} that do not"
    return [f"{text}."]


def _of(sets: tuple[ProvedSet, ...], levels: Levels) -> str:
    return f"{passing(sets, levels.gate)} of {len(sets)}"
