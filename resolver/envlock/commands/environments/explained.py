"""Why an environment does not pass: its failures as `envlock diagnose` explains them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from envlock.diagnose import UNEXPLAINED, diagnose
from envlock.environment.inspect import prefix_of
from envlock.environment.state import examine_environment
from envlock.examine.files import examine_content
from envlock.examine.gathered import Given, merge
from envlock.findings import Finding
from envlock.outcomes import Crashed, Failed
from envlock.probes.proof import Proof
from envlock.rules import database

_MOST = 3  # findings


def explained(proof: Proof, rules: Iterable[Path]) -> tuple[Finding, ...]:
    """Return what is wrong by what the failures of the gate printed, with the environment beside.

    It is read as it is now, and nothing of it is run.
    """
    said = "\n\n".join(_texts(proof))
    if not said:
        return ()
    state = examine_environment(prefix_of(proof.python))
    whole = merge((state.examined, examine_content(said, "what the proof printed", Given())))
    found = diagnose(whole, database.load(tuple(rules)).everything, state.findings)
    known = [each for each in found if each.id != UNEXPLAINED]
    return tuple(known[:_MOST])


def _texts(proof: Proof) -> Iterator[str]:
    for each in proof.outcomes:
        if each.level not in proof.gate:
            continue
        if isinstance(each, Failed):
            yield each.traceback or f"{each.error}: {each.detail}"
        elif isinstance(each, Crashed):
            yield each.output
