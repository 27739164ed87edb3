"""`envlock releases`: the release data as rows and as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from packaging.requirements import Requirement

from envlock.releases import Release, and_cuda, cuda_row, framework_releases, h5py_releases
from envlock.rules.frameworks import framework

_DECLARED = ("h5py", "numpy", "protobuf", "keras")
#: The platform whose metadata and Pythons the table shows; JSON has them all.
_SHOWN = "linux-x86_64"


def release_rows(package: str) -> list[tuple[str, ...]]:
    """A header and one row for each release, newest last."""
    if package == "h5py":
        rows = [
            (
                str(item.version),
                str(item.date),
                _span(_pythons(item, package)),
                _declared(item, package, "numpy"),
                item.hdf5,
                item.yanked,
            )
            for item in h5py_releases()
        ]
        return [("H5PY", "DATE", "PYTHON", "NUMPY", "HDF5", "YANKED"), *rows]
    header = (
        framework().name.upper(),
        "DATE",
        "PYTHON",
        *map(str.upper, _DECLARED),
        "CUDA",
        "CUDNN",
        "AND-CUDA",
    )
    return [header, *(_framework_row(item) for item in framework_releases())]


def _framework_row(item: Release) -> tuple[str, ...]:
    row = cuda_row(item.version)
    extra = and_cuda(item.version)
    return (
        str(item.version),
        str(item.date),
        _span(_pythons(item, framework().name)),
        *(_declared(item, framework().name, name) for name in _DECLARED),
        row.cuda if row else "",
        row.cudnn if row else "",
        "" if extra is None else "yes" if extra.installable else f"no: {extra.refusal}",
    )


def release_data(package: str) -> list[dict[str, Any]]:
    """Every release with its wheels and declared requirements on every platform."""
    table: Sequence[Release] = h5py_releases() if package == "h5py" else framework_releases()
    return [_data(item, package) for item in table]


def _data(item: Release, package: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "version": str(item.version),
        "date": str(item.date),
        "yanked": item.yanked,
        "requires_python": str(item.requires_python),
        "wheels": item.wheels,
        "requires": [
            {"distribution": name, "platform": platform, "requirements": list(lines)}
            for (name, platform), lines in item.needs.items()
        ],
    }
    if package == framework().name:
        row = cuda_row(item.version)
        extra = and_cuda(item.version)
        data["cuda"] = {"cuda": row.cuda, "cudnn": row.cudnn, "source": row.source} if row else None
        data["and_cuda"] = extra and {
            "cuda": extra.cuda,
            "requirements": list(map(str, extra.requirements)),
            "refusal": extra.refusal,
        }
    return data


def _pythons(item: Release, distribution: str) -> list[str]:
    floors = item.wheels.get(distribution, {}).get(_SHOWN, {})
    minors = {minor for listed in floors.values() for minor in listed if not minor.endswith("t")}
    return sorted(minors, key=lambda text: tuple(map(int, text.split("."))))


def _span(minors: Sequence[str]) -> str:
    return "" if not minors else minors[0] if len(minors) == 1 else f"{minors[0]}-{minors[-1]}"


def _declared(item: Release, distribution: str, package: str) -> str:
    lines = map(Requirement, item.needs.get((distribution, _SHOWN), ()))
    found = [str(line.specifier) or "any" for line in lines if line.name == package]
    return " | ".join(dict.fromkeys(found))
