"""An environment that was built and does not pass: what is told, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from envlock.cli.options import TalkOptions
from envlock.cli.output import talk as tell
from envlock.commands.environments.explained import Explanation
from envlock.commands.environments.learning import Round, rounds_data
from envlock.commands.environments.order import CreateOrder
from envlock.commands.environments.suspects import bisecting
from envlock.commands.environments.verify import proof_data, proof_text
from envlock.diagnose.report import findings_data, findings_text
from envlock.environment.place import kept_as
from envlock.errors import ProblemFound
from envlock.findings import Finding
from envlock.model import Part, RemedyKind
from envlock.outcomes import IMPORTS, SCRIPT
from envlock.probes.proof import Proof
from envlock.request.words import ORIGIN


class Failing(Struct, frozen=True, kw_only=True):
    """A proof that is not passed, why, and what was tried against it."""

    proof: Proof
    why: Explanation | None = None
    rounds: tuple[Round, ...] = ()
    refused: frozenset[str] = frozenset()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What explains it."""
        return () if self.why is None else self.why.findings


class NotProved(ProblemFound):
    """The environment was built and does not do what it should."""

    carries = True

    def __init__(self, failing: Failing, *remedies: str) -> None:
        super().__init__(
            "the environment was built and does not do what it should; nothing was written",
            *remedies,
        )
        self.failing = failing

    def data(self) -> dict[str, Any]:
        """What is told of it as JSON."""
        failing = self.failing
        return {
            **proof_data(failing.proof),
            "findings": findings_data(failing.findings),
            "learnt": rounds_data(failing.rounds, ()),
        }


def tell_unproved(error: NotProved, talk: TalkOptions) -> None:
    """Say what failed and why, to a person or in what a program is told of the error."""
    error.details = error.data()
    if not talk.json:
        failing = error.failing
        tell(proof_text(failing.proof, verbose=talk.verbose))
        if failing.findings:
            tell(findings_text(failing.findings, verbose=talk.verbose))


def of_machine(proof: Proof) -> Iterator[str]:
    """What to do where the machine lacks what an import needs."""
    imports = (each for each in proof.missed if each.startswith(IMPORTS))
    yield from dict.fromkeys(way for each in imports if (way := proof.ways_round.get(each)))


def ways_on(order: CreateOrder, part: Part, failing: Failing) -> Iterator[str]:
    """Ask for what cures it too, look at the environment, and let the typed versions go.

    Where only the user's own scripts fail, nobody knows that it is for the versions.
    """
    proof = failing.proof
    yield from of_machine(proof)
    again = "lock --prove" if order.job.verb == "lock" else "create"
    wanted = next(_untried(failing), "")
    typed = {each.origin for each in order.job.request.requirements} == {ORIGIN}
    if wanted and typed and not order.job.subdirs:
        asked = [str(each.requirement) for each in order.job.request.requirements]
        words = ["envlock", *again.split(), *asked, *wanted.split(), "--python", part.python]
        yield shlex.join(words)
    if all(each.startswith(IMPORTS) for each in proof.missed):
        yield " ".join(f"--no-imports {each.removeprefix(IMPORTS)}" for each in proof.missed)
    if order.passing:
        pass
    elif order.keep:
        yield f"envlock verify {shlex.quote(kept_as(order.folder).as_posix())}"
    else:
        yield "--keep"
    if all(each.startswith(SCRIPT) for each in proof.missed):
        return
    if not failing.findings:
        kept = kept_as(order.folder) if order.keep else None
        yield from bisecting(part, proof.missed, order.job.evidence, kept)
    request = order.job.request
    wishes = [(each.requirement.name, each.requirement.specifier) for each in request.requirements]
    specs = [(each.name, each.version) for each in request.specs if each.name != "python"]
    origins = {each.origin for each in request.requirements} | {s.origin for s in request.specs}
    if origins == {ORIGIN} and any(bound for _, bound in (*wishes, *specs)):
        names = dict.fromkeys(name for name, _ in (*wishes, *specs))
        manager = f" --manager {order.manager}" if order.job.subdirs else ""
        yield f"envlock {again} {' '.join(names)}{manager} --python {part.python}"


def _untried(failing: Failing) -> Iterator[str]:
    """What findings say to install, but for what a lock could not be made with."""
    for finding in failing.findings:
        for each in finding.remedies:
            if each.kind is RemedyKind.INSTALL and each.text not in failing.refused:
                yield each.text
