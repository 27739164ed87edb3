"""Kills and concurrent runs without end, by hand.

``python tests/attack/marathon.py --kills 300 --rounds 200 --seed 1`` from the
root of the repository; it ends with 1 when anything was lost, or disagreed.
"""

# ruff: noqa: T201  (what it prints is what it is for)
from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.rounds import ACTS, killed, steps_of, together
from support.wreck import wreck


def main() -> int:
    """Run what was asked for, and tell how many held."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=300)
    words.add_argument("--rounds", type=int, default=200)
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    counts: Counter[str] = Counter()
    faults: list[str] = []
    start = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="envlock-marathon-") as root,
        wreck(Path(root), asked.seed) as made,
    ):
        steps = {act: steps_of(made, act) for act in ACTS}
        print(f"seed {asked.seed}, steps {steps}", flush=True)
        for number in range(asked.kills):
            act = [*ACTS][number % len(ACTS)]
            found = killed(made, act, steps[act])
            counts[f"kills of {act}"] += 1
            faults += found
            for each in found:
                print(f"FAULT {each}", flush=True)
        for number in range(asked.rounds):
            found = together(made, fixes=number % 4 == 3)
            counts["concurrent rounds"] += 1
            faults += found
            for each in found:
                print(f"FAULT {each}", flush=True)
    for what, count in counts.items():
        print(f"{what}: {count}")
    print(f"killed: {made.killed} of {made.runs} processes")
    print(f"faults: {len(faults)}, {time.monotonic() - start:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
