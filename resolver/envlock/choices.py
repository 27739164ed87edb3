"""The words that options take. Imports next to nothing, so that ``--help`` costs little."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

#: What ``-o`` says for standard output.
STANDARD_OUTPUT = Path("-")
#: How long a probe or a script may take, where nobody says.
PROBE_SECONDS = 600
#: What ``--allow-build`` says for every package.
ALL_BUILDS = ":all:"


class Accelerator(StrEnum):
    """Which TensorFlow build is wanted; ``auto`` takes the request as written."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class EngineName(StrEnum):
    """The engines there are, as ``--engine`` takes them."""

    PIPTOOLS = "pip-tools"
    UV = "uv"


#: What stands for every package where packages are named, and for none.
EVERY, NONE = ":all:", ":none:"


class Kinds(Struct, frozen=True, kw_only=True):
    """Which files of which packages are taken, as options of pip say it: names, or ``:all:``."""

    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    all_releases: tuple[str, ...] = ()
    only_final: tuple[str, ...] = ()

    def takes(self, name: str, *, wheel: bool) -> bool:
        """Whether wheels of a package, or else its sources, are taken; its name beats ``:all:``."""
        other, own = (
            (self.no_binary, self.only_binary) if wheel else (self.only_binary, self.no_binary)
        )
        return not (name in other or (EVERY in other and name not in own))

    def prereleases(self, name: str) -> bool | None:
        """Whether pre-releases of a package are taken; None: where nothing else fits."""
        for kept, taken in ((self.all_releases, True), (self.only_final, False)):
            if name in kept:
                return taken
        if EVERY in self.all_releases:
            return True
        return False if EVERY in self.only_final else None


class IndexStrategy(StrEnum):
    """Which of several indexes a package comes from, as ``--index-strategy`` takes it.

    ``first-index``: from the first that has its name, and no other;
    ``best-match``: from whichever has the best version.
    """

    FIRST = "first-index"
    BEST = "best-match"


class Colour(StrEnum):
    """When what is printed has colours, as ``--color`` takes them."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Manager(StrEnum):
    """Who installs packages, as ``--manager`` takes them.

    ``conda`` is py-rattler, which envlock brings; the others are programs of
    this machine (``conda-cli`` is ``conda``).
    """

    PIP = "pip"
    CONDA = "conda"
    MICROMAMBA = "micromamba"
    MAMBA = "mamba"
    CONDA_CLI = "conda-cli"


class ExecutorName(StrEnum):
    """Who runs a matrix, as ``--executor`` takes it."""

    LOCAL = "local"
    DASK = "dask"


class Format(StrEnum):
    """The formats a lock is written in, as ``--format`` takes them."""

    REQUIREMENTS = "requirements"
    PYLOCK = "pylock"
    ENVIRONMENT = "environment"
    EXPLICIT = "explicit"
    CONDA_LOCK = "conda-lock"
    PIXI = "pixi"


class ReportFormat(StrEnum):
    """How an answer is told, as ``--format`` takes it, where it is not told to a person."""

    GITHUB = "github"


#: Formats of conda packages only: a request without a conda part has no such lock.
OF_CONDA = frozenset({Format.EXPLICIT, Format.CONDA_LOCK, Format.PIXI})
