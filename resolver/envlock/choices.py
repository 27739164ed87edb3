"""The words that options take. Imports next to nothing, so that ``--help`` costs little."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

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
