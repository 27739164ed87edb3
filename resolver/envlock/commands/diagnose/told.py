"""A diagnosis as text, for a person."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envlock.diagnose import report, told_needs
from envlock.findings import Examined, Kind
from envlock.rules.frameworks import frameworks, is_foreign
from envlock.system.typed import as_typed

if TYPE_CHECKING:
    from envlock.commands.diagnose.run import Diagnosis


def told(found: Diagnosis, *, verbose: bool) -> str:
    """What loads a model, what code needs, what is wrong, and what to type next."""
    parts = [report.loads_text(found.model)] if found.model else []
    if found.examined is not None and found.examined.uses:
        parts += ["\n".join(told_needs(found.examined))]
    if found.findings:
        parts.append(report.findings_text(found.findings, verbose=verbose))
    elif found.examined is not None:
        parts.append(_all_clear(found.examined))
    if found.next:
        parts.append(f"next: {as_typed(shlex.join(found.next))}")
    return "\n\n".join(filter(None, parts))


def _all_clear(examined: Examined) -> str:
    """What is said where nothing was found: of an environment with nothing that is known, that."""
    if examined.kind is Kind.ENVIRONMENT and is_foreign(examined.packages):
        titles = ", ".join(each.title for each in frameworks())
        return f"{examined.origin} has none of them: {titles}, Keras, h5py"
    if examined.uses and examined.kind is Kind.CODE:
        return "every name that the code uses is in the newest releases on record"
    return "nothing is wrong by what envlock knows"
