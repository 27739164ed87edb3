"""Find the oldest build tools that each CPython can run, for ``build-tools.yaml``.

    update_build_tools.py --python PATH … [--tool NAME …] [--check]

Each floor is found by runs: a small source distribution is built by uv with one
release of a tool held fixed and all others free, and the oldest release that
builds it is looked for by bisection over the last patch of each minor, of Cython
over all, whose patches are what brings a Python. Of NumPy
the oldest with a wheel for the Python counts, which is imported once; building
NumPy itself is no build of something else. Without ``--check`` the text of the
table's ``oldest`` is printed, to be put into the file; with it the exit status
says whether the file differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uv
import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.index.filenames import releases
from envlock.index.pages import Index
from envlock.model import IndexSettings

TABLE = Path(__file__).parent.parent / "envlock_constraints" / "build-tools.yaml"
TOOLS = ("setuptools", "wheel", "cython", "numpy", "pip")
#: The oldest that is tried: setuptools 40.8 is the first with the backend that uv asks for.
_FROM = {"setuptools": "40.8.0", "wheel": "0.30", "cython": "0.27", "numpy": "1.13", "pip": "10"}
#: What is built: an extension module without and with Cython, and a plain module.
_SETUP = """
from setuptools import Extension, find_packages, setup
fast = Extension("fast", ["fast.c"])
setup(
    name="floor", version="1", py_modules=["plain"], packages=find_packages(), ext_modules=[fast]
)
"""
_FAST = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
_CYTHON_SETUP = """
from setuptools import Extension, setup
from Cython.Build import cythonize
setup(name="floor", version="1", ext_modules=cythonize([Extension("fast", ["fast.pyx"])]))
"""
_PYX = """
cdef class Box:
    cdef public int size
    def __init__(self, size): self.size = size
def several(n):
    for i in range(n):
        yield Box(i)
async def later(): return [each.size for each in several(3)]
def named(a, *, b=1): raise ValueError(f"{a} {b}")
"""


def main(words: Sequence[str] | None = None) -> int:
    """Print the floors, or compare them with the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", type=Path, required=True)
    parser.add_argument("--tool", action="append", choices=TOOLS, default=[])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(words)
    found: dict[str, dict[str, str]] = {}
    for python in options.python:
        minor = _said(python)
        for tool in options.tool or TOOLS:
            floor = oldest(tool, python)
            print(f"# {minor} {tool} {floor}", file=sys.stderr, flush=True)
            found.setdefault(tool, {})[minor] = str(floor)
    if not options.check:
        print(yaml.safe_dump({"oldest": found}, sort_keys=False))
        return 0
    known = yaml.safe_load(TABLE.read_text(encoding="utf-8"))["oldest"]
    wrong = [
        f"{tool} on {minor}: {known[tool].get(minor)} is on record, {version} was found"
        for tool, by_minor in found.items()
        for minor, version in by_minor.items()
        if known[tool].get(minor) != version
    ]
    print("\n".join(wrong))
    return bool(wrong)


def _said(python: Path) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        [python, "-c", code], check=False, capture_output=True, text=True
    ).stdout.strip()


def oldest(tool: str, python: Path) -> Version | None:
    """Return the oldest release of a tool that works on a Python, by bisection."""
    works = _RUNS.get(tool, _builds)
    tried = _candidates(tool, Version(f"{_said(python)}.99"))
    low, high = 0, len(tried) - 1
    if not works(tool, tried[high], python):
        return None
    while low < high:
        middle = (low + high) // 2
        if works(tool, tried[middle], python):
            high = middle
        else:
            low = middle + 1
    return tried[low]


def _candidates(tool: str, python: Version) -> list[Version]:
    """The releases to try for a Python, oldest first."""
    page = releases(Index(IndexSettings()).files(canonicalize_name(tool)))
    last: dict[tuple[int, ...], Version] = {}
    for version, files in sorted(page.items()):
        wheels = [f for f in files if _is_for(f.filename, python) and f.yanked is None]
        admitted = [f for f in wheels if python in SpecifierSet(f.requires_python or "")]
        usable = admitted and not version.is_prerelease
        if usable and version >= Version(_FROM[tool]):
            last[version.release if tool == "cython" else version.release[:2]] = version
    return sorted(last.values())


def _is_for(filename: str, python: Version) -> bool:
    """Whether a file is a wheel for a Python on Linux x86_64: what builds is not built first."""
    own = f"-cp{python.major}{python.minor}-" in filename and "linux" in filename
    return filename.endswith("-none-any.whl") or (own and filename.endswith("x86_64.whl"))


def _builds(tool: str, version: Version, python: Path) -> bool:
    """Whether a source distribution is built with this release of a tool."""
    cython = tool == "cython"
    needs = '"setuptools<72", "wheel", "cython"' if cython else '"setuptools", "wheel"'
    files = {
        "setup.py": _CYTHON_SETUP if cython else _SETUP,
        "fast.pyx" if cython else "fast.c": _PYX if cython else _FAST,
        "plain.py": "",
        "MANIFEST.in": "recursive-include docs *.txt\nglobal-exclude *.pyc\nprune build\n",
        "PKG-INFO": "Metadata-Version: 1.0\nName: floor\nVersion: 1\n",
        "pyproject.toml": f"[build-system]\nrequires = [{needs}]\n",
    }
    # A wheel package that is older than setuptools knows no backend of a newer one.
    others = ["setuptools<70.1"] if tool == "wheel" else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sdist = folder / "floor-1.tar.gz"
        with tarfile.open(sdist, "w:gz") as archive:
            for each, text in files.items():
                (folder / Path(each).name).write_text(text, encoding="utf-8")
                archive.add(folder / Path(each).name, f"floor-1/{each}")
        bounds = folder / "bounds.txt"
        bounds.write_text("\n".join([f"{tool}=={version}", *others]), encoding="utf-8")
        words: list[str | Path] = [
            "build",
            "--wheel",
            "--python",
            python,
            "--build-constraints",
            bounds,
        ]
        done = _uv([*words, "--out-dir", folder / "out", sdist])
        wheel = next(iter((folder / "out").glob("*.whl")), None)
        if done != 0 or wheel is None:
            return False
        target = folder / "site"
        _uv(["pip", "install", "--python", python, "--target", target, wheel])
        code = f"import sys; sys.path.insert(0, {str(target)!r}); import fast"
        return (
            subprocess.run([python, "-I", "-c", code], check=False, capture_output=True).returncode
            == 0
        )


def _imports(tool: str, version: Version, python: Path) -> bool:
    """Whether there is a wheel that is imported."""
    with tempfile.TemporaryDirectory() as name:
        words: list[str | Path] = ["pip", "install", "--python", python, "--target", name]
        words += ["--only-binary", ":all:"]
        if _uv([*words, f"{tool}=={version}"]) != 0:
            return False
        code = f"import sys; sys.path.insert(0, {name!r}); import {tool}"
        return (
            subprocess.run([python, "-I", "-c", code], check=False, capture_output=True).returncode
            == 0
        )


def _runs(tool: str, version: Version, python: Path) -> bool:
    """Whether a pip of this release installs something."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "site"
        into: list[str | Path] = ["pip", "install", "--python", python, "--target", name]
        if _uv([*into, f"{tool}=={version}"]) != 0:
            return False
        command: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--target",
            target,
            "six==1.16.0",
        ]
        env = os.environ | {"PYTHONPATH": name, "PIP_CONFIG_FILE": os.devnull}
        return _passes(command, env)


def _uv(words: Sequence[str | Path]) -> int:
    command = [uv.find_uv_bin(), *words, "--no-config", "--quiet"]
    return subprocess.run(command, check=False, capture_output=True).returncode


def _passes(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> bool:
    done = subprocess.run(command, check=False, capture_output=True, env=env)
    return done.returncode == 0


_RUNS: dict[str, Callable[[str, Version, Path], bool]] = {"numpy": _imports, "pip": _runs}

if __name__ == "__main__":
    sys.exit(main())
