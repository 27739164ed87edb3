"""The words that options take. Imports nothing, so that ``--help`` costs little."""

from __future__ import annotations

from enum import StrEnum


class Accelerator(StrEnum):
    """Which TensorFlow build is wanted; ``auto`` takes the request as written."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class EngineName(StrEnum):
    """The engines there are, as ``--engine`` takes them."""

    PIPTOOLS = "pip-tools"
    UV = "uv"


class Format(StrEnum):
    """The formats a lock is written in, as ``--format`` takes them."""

    REQUIREMENTS = "requirements"
    PYLOCK = "pylock"
    ENVIRONMENT = "environment"
