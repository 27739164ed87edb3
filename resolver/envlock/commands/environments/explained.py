"""Why an environment does not pass: its failures as `envlock diagnose` explains them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from envlock.diagnose import UNEXPLAINED, diagnose
from envlock.environment.inspect import prefix_of
from envlock.environment.state import examine_environment
from envlock.examine.files import examine_content
from envlock.examine.gathered import Given, merge
from envlock.findings import Examined, Finding
from envlock.model import Rule
from envlock.outcomes import Crashed, Failed
from envlock.probes.proof import Proof
from envlock.rules import database

_MOST = 3  # findings
_TRIED = 6  # failures that are looked at: what fails after many others mostly fails for them


class ExplainedFailure(Struct, frozen=True, kw_only=True):
    """A level of the gate that failed, all that it said, and what is known of that."""

    outcome: Failed | Crashed
    text: str
    findings: tuple[Finding, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """What was in an environment that did not pass, and each of its failures explained."""

    python: Path
    examined: Examined
    failures: tuple[ExplainedFailure, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all failures, each once and few enough to be read."""
        every = [one for each in self.failures for one in each.findings]
        firsts = {(each.id, *each.packages): each for each in reversed(every)}
        known = [each for each in every if firsts[each.id, *each.packages] is each]
        return tuple(known[:_MOST])


def explained(
    proof: Proof, rules: Iterable[Path], learnt: Sequence[Rule] = ()
) -> Explanation | None:
    """Return what is wrong by what the failures of the gate printed, with the environment beside.

    It is read as it is now, and nothing of it is run. None where nothing was printed.
    """
    failed = [(each, said) for each, said in _failures(proof) if said][:_TRIED]
    if not failed:
        return None
    state = examine_environment(prefix_of(proof.python))
    known = database.load(tuple(rules)).with_rules(learnt).everything
    found: list[ExplainedFailure] = []
    for outcome, said in failed:
        text = examine_content(said, "what the proof printed", Given())
        whole = merge((state.examined, text))
        told = diagnose(whole, known, state.findings)
        findings = tuple(each for each in told if each.id != UNEXPLAINED)
        found.append(ExplainedFailure(outcome=outcome, text=whole.text, findings=findings))
    return Explanation(python=proof.python, examined=state.examined, failures=tuple(found))


def _failures(proof: Proof) -> Iterator[tuple[Failed | Crashed, str]]:
    for each in proof.outcomes:
        if each.level not in proof.gate:
            continue
        if isinstance(each, Failed):
            yield each, each.traceback or f"{each.error}: {each.detail}"
        elif isinstance(each, Crashed):
            yield each, each.output
