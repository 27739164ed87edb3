"""``python -m support.fuzz --inputs 1000000``: as long as one likes; exit 1 where one crashed."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time

from support.fuzz.run import FOLDER, fuzzed, slow


def main() -> int:
    """Run, tell, and keep every crash that was found among the files that tests replay."""
    asked = argparse.ArgumentParser(prog="support.fuzz", description=main.__doc__)
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seconds", type=float, default=float("inf"), help="shared by the readers")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--only", nargs="*", default=())
    asked.add_argument("--pumped", action="store_true", help="give long runs instead, all of them")
    asked.add_argument("--keep", action="store_true", help="write crashes into tests/fuzz/crashes")
    options = asked.parse_args()
    if options.pumped:
        late = list(slow(only=options.only))
        print(*late, sep="\n")  # noqa: T201
        return 1 if late else 0
    begun, whole, wrong = time.monotonic(), 0, 0
    for reader, count, faults in fuzzed(
        options.inputs, seed=options.seed, seconds=options.seconds, only=options.only
    ):
        whole += count
        wrong += len(faults)
        print(f"{reader.name:24} {count:8,} inputs, {len(faults)} faults", flush=True)  # noqa: T201
        for fault in faults:
            print(fault, flush=True)  # noqa: T201
            if options.keep:
                folder = FOLDER / "crashes" / reader.name
                folder.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256(fault.content).hexdigest()[:12]
                (folder / digest).write_bytes(fault.content)
    print(f"{whole:,} inputs, {wrong} faults, {time.monotonic() - begun:.0f} s")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
