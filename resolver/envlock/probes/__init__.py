"""Behaviour probes: what an environment does, found out by doing it.

To add one: a script in ``scripts/``, a module here with its `Probe`, and a
line in `PROBES`.
"""

from __future__ import annotations

from collections.abc import Mapping

from envlock.model import Stage
from envlock.probes.interface import Probe
from envlock.probes.keras_h5 import KERAS_H5

PROBES: Mapping[str, Probe] = {
    KERAS_H5.name: KERAS_H5,
}
DEFAULT_GATE = tuple(level for probe in PROBES.values() for level in probe.gate)


def levels_of(stage: Stage) -> tuple[str, ...]:
    """Return the levels that show whether a stage is passed; none where it is not probed."""
    every = (level for probe in PROBES.values() for level in probe.levels)
    return tuple(level.name for level in every if level.stage is stage)
