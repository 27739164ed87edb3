"""From parsed options to how an environment is proved."""

from __future__ import annotations

import math

from envlock.choices import PROBE_SECONDS
from envlock.cli.options import ProbeOptions
from envlock.errors import UsageError
from envlock.workflow.verify import ProofOrder


def proof_order(probes: ProbeOptions, needs: tuple[str, ...] = ()) -> ProofOrder:
    """What is proved beside the probes, what must be, and how long it may take.

    Raises:
        UsageError: a script is not there, or the limit is no time.
    """
    for script in probes.probe:
        if not script.is_file():
            raise UsageError(f"--probe {script}: no such file")
    return ProofOrder(scripts=probes.probe, timeout=seconds(probes.timeout), needs=needs)


def seconds(text: str) -> float:
    """Read a time limit.

    Raises:
        UsageError: it is no time.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise UsageError(f"--timeout {text}: not a number of seconds", f"--timeout {PROBE_SECONDS}")
    return number
