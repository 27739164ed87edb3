"""A traceback or log → `Examined`: the text without noise, and what it tells. Pure."""

from __future__ import annotations

from envlock.examine.facts import facts
from envlock.examine.gathered import Given
from envlock.examine.noise import clean
from envlock.examine.places import platform_of, python_of
from envlock.findings import Examined, Kind

#: Said by conda's own tools, and by pip.
_CONDA = (
    "Collecting package metadata",
    "Solving environment",
    "PackagesNotFoundError",
    "ResolvePackageNotFound",
    "UnsatisfiableError",
    "nothing provides",
    "conda install ",
    "mamba install ",
)
_PIP = (
    "Successfully installed ",
    "Requirement already satisfied",
    "Could not find a version that satisfies",
    "pip's dependency resolver",
    "ResolutionImpossible",
    "pip install ",
)
_PIP_PLACES = ("dist-packages", "/venv/", "/.venv/", "\\venv\\", ".local/lib/python")


def examine_text(text: str, given: Given | None = None, *, origin: str = "text") -> Examined:
    """Examine a traceback or log.

    Nobody knows which manager an environment below a conda folder is filled
    by, so paths alone never make it conda's.
    """
    given = given or Given()
    plain = clean(text)
    told = facts(plain)
    return Examined(
        kind=Kind.TEXT,
        origin=origin,
        packages=told.packages,
        loose=told.loose,
        python=given.python or python_of(plain),
        platform=given.platform or platform_of(plain),
        manager=_manager(plain),
        text=plain,
    )


def _manager(text: str) -> str | None:
    pip = any(word in text for word in _PIP)
    if any(word in text for word in _CONDA):
        return None if pip else "conda"
    return "pip" if pip or any(place in text for place in _PIP_PLACES) else None
