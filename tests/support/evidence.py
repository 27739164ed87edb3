"""A cell's evidence as a run leaves it: the set of the rules, a plain one, two variations."""

from __future__ import annotations

from datetime import date

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.evidence.values import Cell, CellEvidence, Circumstances, ProvedSet
from envlock.model import DistributionFile, LockedPackage, RuleId
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped

CELL = Cell(
    distribution=canonicalize_name("tensorflow-cpu"),
    version=Version("2.10.1"),
    python="3.10",
    platform="linux-x86_64",
)
WHERE = Circumstances(
    day=date(2026, 11, 25),
    interpreter="CPython 3.10.13",
    libc="glibc 2.36",
    probe="keras-h5 0123456789ab",
)
_TAGS = "cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64"
GATE = ("import-h5py", "import", "fit", "save", "load", "custom-layer")


def package(
    name: str, version: str, *, via: tuple[str, ...] = (), because: tuple[str, ...] = ()
) -> LockedPackage:
    """Return a pin with one wheel for the cell."""
    digest = f"{name}{version}".encode().hex().ljust(64, "0")[:64]
    file = f"{name.replace('-', '_')}-{version}-{_TAGS}.whl"
    return LockedPackage(
        name=canonicalize_name(name),
        version=Version(version),
        hashes=(f"sha256:{digest}",),
        via=via,
        because=tuple(map(RuleId, because)),
        files=(DistributionFile(filename=file, url="", hashes={"sha256": digest}),),
    )


def proved(
    name: str = "rules",
    *packages: LockedPackage,
    outcomes: tuple[Outcome, ...] | None = None,
    problem: str = "",
    against: bool = False,
) -> ProvedSet:
    """Return a set that passes every level of the gate, unless told otherwise."""
    passed = tuple(Passed(level=level, detail="seen") for level in (*GATE, "resume"))
    return ProvedSet(
        name=name,
        request=("tensorflow-cpu==2.10.1",),
        circumstances=WHERE,
        packages=tuple(sorted(packages, key=lambda each: each.name)),
        outcomes=passed if outcomes is None else outcomes,
        problem=problem,
        against=against,
        seconds={"resolve": 0.5, "install": 2.5, "prove": 8.1},
    )


RULES_SET = proved(
    "rules",
    package("tensorflow-cpu", "2.10.1", via=("command line",)),
    package("h5py", "3.16.0", via=("tensorflow-cpu",)),
    package("numpy", "1.23.5", via=("h5py", "tensorflow-cpu"), because=("numpy2-tf-abi",)),
)
BROKEN: tuple[Outcome, ...] = (
    Passed(level="import-h5py", detail="h5py 3.16.0 with HDF5 2.0.0"),
    Failed(level="import", error="TypeError", detail="Unable to convert\nfunction"),
    Skipped(level="fit", detail="import failed"),
    Crashed(level="save", detail="SIGSEGV"),
)
EVIDENCE = CellEvidence(
    cell=CELL,
    sets=(
        RULES_SET,
        proved(
            "plain",
            package("tensorflow-cpu", "2.10.1", via=("command line",)),
            package("numpy", "2.2.6", via=("tensorflow-cpu",)),
            outcomes=BROKEN,
        ),
        proved("h5py 3.1", problem="no wheel", outcomes=()),
        proved("h5py 3.11", *RULES_SET.packages[:0], package("h5py", "3.11.0"), against=True),
    ),
)
