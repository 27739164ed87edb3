"""Evidence as large as the whole matrix, made up after what real runs show."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.evidence.library import ordered
from envlock.evidence.values import Cell, CellEvidence, ProvedSet
from envlock.matrix.plan import h5py_series, missing_cells
from envlock.model import LockedPackage
from envlock.outcomes import Failed, Outcome, Passed, Skipped
from support.evidence import EVIDENCE, GATE, package, proved

#: What stands beside the packages that matter, so that sets are as long as real ones.
_OTHERS = """
absl-py astunparse certifi charset-normalizer flatbuffers gast google-pasta grpcio idna libclang
markdown markdown-it-py markupsafe mdurl ml-dtypes namex opt-einsum optree packaging pillow
pygments requests rich setuptools six tensorboard tensorboard-data-server termcolor
typing-extensions urllib3 werkzeug wheel wrapt importlib-metadata zipp rsa oauthlib
"""
CAPABILITIES = (
    "weights",
    "load-compiled",
    "resume",
    "savedmodel",
    "keras",
    "recurrent",
    "convolution",
)
_KERAS3 = SpecifierSet(">=2.16")
_DESCRIPTORS = "Descriptors cannot be created directly. If this call came from a _pb2.py file"
_NUMPY2 = "Unable to convert function return value to a Python type! The signature was () -> handle"
_DECODE = "'str' object has no attribute 'decode'"
_MSE = "Could not deserialize 'keras.metrics.mse' because it is not a KerasSaveable subclass"
_VARIABLE = "Unknown variable: <Variable path=dense/kernel, shape=(3, 4), dtype=float32>."


def whole_matrix() -> tuple[CellEvidence, ...]:
    """Return a cell for every release and Python on record, on Linux."""
    places = [EVIDENCE.cell, *missing_cells((EVIDENCE,))]
    newest: dict[Version, str] = {}
    for cell in sorted(places, key=lambda each: Version(each.python)):
        newest[cell.version] = cell.python
    return ordered(
        CellEvidence(cell=cell, sets=tuple(_sets(cell, vary=newest[cell.version] == cell.python)))
        for cell in places
    )


def _sets(cell: Cell, *, vary: bool) -> Iterator[ProvedSet]:
    old = cell.version in SpecifierSet("<2.18")
    h5py = "2.10.0" if cell.version in SpecifierSet("<2.5") else "3.11.0"
    pins = {"numpy": "1.23.5" if old else "2.2.6", "protobuf": "3.20.3", "h5py": h5py}
    yield proved("rules", *_packages(cell, pins), outcomes=_outcomes(cell))
    plain = {"numpy": "2.2.6", "protobuf": "7.36.2", "h5py": "3.16.0"}
    yield proved("plain", *_packages(cell, plain), outcomes=_plain(cell))
    for series in h5py_series(CellEvidence(cell=cell, sets=(proved(),))) if vary else ():
        bad = cell.version in SpecifierSet("<2.4") and series.startswith("3")
        outcomes = _outcomes(cell, "load", "AttributeError", _DECODE) if bad else _outcomes(cell)
        varied = _packages(cell, {**pins, "h5py": f"{series}.0"})
        yield proved(f"h5py {series}", *varied, outcomes=outcomes, against=bad)


def _packages(cell: Cell, pins: dict[str, str]) -> Iterator[LockedPackage]:
    yield package(cell.distribution, str(cell.version), via=("command line",))
    yield package("keras", "3.15.1" if cell.version in _KERAS3 else f"{cell.version}")
    for name, version in pins.items():
        because = ("numpy2-tf-abi",) if name == "numpy" and version.startswith("1") else ()
        yield package(name, version, because=because)
    for number, name in enumerate(_OTHERS.split()):
        yield package(name, f"{number % 7}.{cell.version.minor}.{number % 5}")


def _plain(cell: Cell) -> tuple[Outcome, ...]:
    if cell.version in SpecifierSet("<1.15"):
        return _outcomes(cell, "load", "AttributeError", _DECODE)
    if cell.version in SpecifierSet("<2.6"):
        return _outcomes(cell, "import", "TypeError", _DESCRIPTORS)
    if cell.version in SpecifierSet("<2.12") and Version(cell.python) >= Version("3.9"):
        return _outcomes(cell, "import", "TypeError", _NUMPY2)
    return _outcomes(cell)


def _outcomes(cell: Cell, bad: str = "", error: str = "", detail: str = "") -> tuple[Outcome, ...]:
    """What every level says when one of the gate fails, or none."""
    levels = [*GATE[:5], "weights", "custom-layer", *CAPABILITIES[1:]]
    found: list[Outcome] = []
    for level in levels:
        if bad and level == bad:
            found.append(Failed(level=level, error=error, detail=detail))
        elif bad and levels.index(level) > levels.index(bad):
            found.append(Skipped(level=level, detail=f"{bad} failed"))
        else:
            found.append(_capability(cell, level))
    return tuple(found)


def _capability(cell: Cell, level: str) -> Outcome:
    if cell.version in _KERAS3 and level == "load-compiled":
        return Failed(level=level, error="ValueError", detail=_MSE)
    if cell.version in _KERAS3 and level == "resume":
        return Failed(level=level, error="ValueError", detail=_VARIABLE)
    if level == "keras" and cell.version in SpecifierSet("<2.12"):
        detail = f"Keras {cell.version} has no .keras format: it began with 2.12"
        return Skipped(level=level, detail=detail)
    return Passed(level=level, detail="predictions equal within 1e-05")
