"""What is set in the environment of a lock: what rules demand beside its pins, and what was proved.

What a request sets itself is its own to choose, and stands over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from envlock.conda.names import pypi_pins
from envlock.locking.existing import Standard, situation_of
from envlock.locking.job import SolvedPart
from envlock.rules.check import demanded


def settings_for(
    solved: Iterable[SolvedPart], standard: Standard
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the variables of all parts, and a sentence on each that the request does not have."""
    own = standard.job.request.variables
    found: dict[str, str] = {}
    why: dict[str, str] = {}
    for each in solved:
        for name, value in each.variables.items():
            found[name] = value
            why[name] = f"{name}={value} is set in the environment, as it was when it was proved"
        situation = situation_of(each.part, standard)
        if situation is None:
            continue
        pins = {**pypi_pins(each.part.conda), **each.part.pins}
        situation = replace(situation, variables={**each.variables, **own})
        for name, value, rule in demanded(standard.rules.rules, pins, situation):
            found.setdefault(name, value)
            why.setdefault(name, f"{name}={value} is set in the environment: {rule.because}")
            if own.get(name, value) != value:
                why[name] = f"{name} is {own[name]} as was asked for, not {value}: {rule.because}"
    told = (text for name, text in why.items() if own.get(name) != found[name])
    return found, tuple(told)
