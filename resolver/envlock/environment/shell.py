"""What a user's shell adds to an environment: read from its variables and folders, nothing is run.

An environment that is right alone may fail in a shell whose variables put
other files before its own, or change what a library does.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.environment.layout import Layout
from envlock.environment.records import Distribution, Site, read_site
from envlock.rules.frameworks import families, framework_of
from envlock.system.looking import is_file, is_folder

#: Variables by which a shell chooses what Keras is, where there is one.
SETTINGS = ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND")
_KERAS = canonicalize_name("keras")
#: Variables by which a shell chooses where libraries are found.
LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
#: Modules that every start of a Python runs.
_STARTED = ("sitecustomize.py", "usercustomize.py")
#: Libraries that wheels of these packages bring, or load from the system.
_LIBRARY = re.compile(
    r"lib(?:stdc\+\+|gcc_s|gomp|hdf5|protobuf|cud|cublas|cufft|curand|cusolver|cusparse|nccl"
    r"|nvinfer|openblas|mkl|python3)[\w+.-]*(?:\.so[.\d]*|\.dylib)"
)
_SHOWN = 3


class Hidden(Struct, frozen=True, kw_only=True):
    """A package that is imported from elsewhere, and the version that it hides."""

    name: NormalizedName
    version: Version
    place: Path
    own: Version

    def __str__(self) -> str:
        return f"{self.name} {self.version} of {self.place} hides {self.own}"


class Addition(Struct, frozen=True, kw_only=True):
    """A variable of the shell that counts here, or the user site (``variable`` is then empty).

    ``does`` is a clause on what it does, ``hidden`` are packages that it
    replaces, ``away`` is what to type for a shell without it.
    """

    variable: str
    value: str
    does: str
    away: str
    hidden: tuple[Hidden, ...] = ()

    def __str__(self) -> str:
        return f"{self.variable}={self.value}" if self.variable else self.value


def additions(layout: Layout, environ: Mapping[str, str]) -> tuple[Addition, ...]:
    """Return what a shell with these variables adds to an environment, where it counts."""

    @cache
    def own() -> Mapping[NormalizedName, Distribution]:
        return {each.name: each for site in layout.own for each in read_site(site).distributions}

    return (*_python(layout, environ, own), *_user(layout, environ, own), *_others(environ, own))


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a shell that adds nothing, libraries left."""
    own = (name for name in environ if not name.startswith("PYTHON") and name not in SETTINGS)
    return {name: environ[name] for name in own}


#: The packages of the environment itself, which are read where something may hide them.
_Packages = Callable[[], Mapping[NormalizedName, Distribution]]


def _python(layout: Layout, environ: Mapping[str, str], own: _Packages) -> Iterator[Addition]:
    if home := environ.get("PYTHONHOME"):
        does = "takes the standard library from there"
        yield Addition(variable="PYTHONHOME", value=home, does=does, away="unset PYTHONHOME")
    path = environ.get("PYTHONPATH", "")
    hidden: list[Hidden] = []
    told: list[str] = []
    for place in dict.fromkeys(Path(each) for each in path.split(os.pathsep) if each):
        if is_folder(place):
            site = read_site(place)
            found = _hidden(site, own())
            hidden += found
            told += _replaced(site, layout, own(), {each.name for each in found})
    if hidden or told:
        does = "; ".join((*map(str, hidden[:_SHOWN]), *told[:_SHOWN]))
        yield Addition(
            variable="PYTHONPATH",
            value=path,
            does=does,
            away="unset PYTHONPATH",
            hidden=tuple(hidden),
        )


def _user(layout: Layout, environ: Mapping[str, str], own: _Packages) -> Iterator[Addition]:
    if layout.user is None or environ.get("PYTHONNOUSERSITE"):
        return
    # A virtual environment searches its own packages first.
    first = layout.path[:1] == (layout.user,)
    hidden = _hidden(read_site(layout.user), own()) if first else ()
    started = [name for name in _STARTED if is_file(layout.user / name)]
    if hidden or started:
        told = [f"{name} of {layout.user} runs at each start" for name in started]
        yield Addition(
            variable="",
            value=f"the user site {layout.user}",
            does="; ".join((*map(str, hidden[:_SHOWN]), *told)),
            away="export PYTHONNOUSERSITE=1",
            hidden=tuple(hidden),
        )


def _others(environ: Mapping[str, str], own: _Packages) -> Iterator[Addition]:
    for name in SETTINGS:
        value = environ.get(name)
        if value and any(framework_of(e) or e in families().members(_KERAS) for e in own()):
            yield Addition(
                variable=name, value=value, does="chooses what Keras is", away=f"unset {name}"
            )
    for name in LIBRARIES:
        value = environ.get(name, "")
        found = [each for each in value.split(os.pathsep) if each and _libraries(Path(each))]
        if found:
            does = f"{_libraries(Path(found[0]))} of {found[0]} may be loaded in place of another"
            yield Addition(variable=name, value=value, does=does, away=f"unset {name}")


def _libraries(folder: Path) -> str:
    """A library of a folder that these packages load too, or nothing."""
    names = (name for name in _listed(folder) if _LIBRARY.fullmatch(name))
    return next(names, "")


def _hidden(site: Site, own: Mapping[NormalizedName, Distribution]) -> tuple[Hidden, ...]:
    """The packages of a folder that are there in another version than the environment's own."""
    return tuple(
        Hidden(name=each.name, version=each.version, place=site.path, own=own[each.name].version)
        for each in site.distributions
        if each.name in own and each.version != own[each.name].version
    )


def _replaced(
    site: Site,
    layout: Layout,
    own: Mapping[NormalizedName, Distribution],
    told: set[NormalizedName],
) -> Iterator[str]:
    """Sentences on modules of a folder that stand for the environment's or for Python's own."""
    place = site.path
    names = set(_listed(place))
    if "os.py" in names:  # a standard library: the environment's own counts for nothing
        base = next(iter(layout.own), place).parent
        own_name = f"{base.name}" if base.name.startswith("python") else ""
        if own_name and place.name != own_name:
            yield f"{place} is the library of another Python"
        return
    modules = {name.removesuffix(".py") for name in names}
    library = sorted(modules & _LIBRARY_MODULES)
    yield from (f"{name} of {place} stands for Python's own" for name in library)
    folders = {name for site in layout.own for name in _listed(site) if name.isidentifier()}
    known = {each.replace("-", "_") for each in told}
    there = {each.name for each in site.distributions}
    same = {each.replace("-", "_") for each in there & own.keys()}
    alike = sorted((modules & folders & set(_packages(place))) - known - same)
    yield from (f"{name} of {place} hides the environment's" for name in alike)
    yield from (f"{name} of {place} runs at each start" for name in _STARTED if name in names)


def _packages(place: Path) -> Iterator[str]:
    return (name for name in _listed(place) if is_file(place / name / "__init__.py"))


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  (names alone are wanted)
    except OSError:
        return []


_LIBRARY_MODULES = frozenset(sys.stdlib_module_names) - {"__main__", "site", "this"}
