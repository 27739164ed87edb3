"""What is asked of the conda workflows, as the command line settled it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName

from envlock.choices import Accelerator, EngineName, Format
from envlock.conda.values import CondaRequest
from envlock.model import IndexSettings, Requested


class CondaOrder(Struct, frozen=True, kw_only=True):
    """What `make_conda_lock` needs to know.

    ``formats`` are written beside one another; ``output`` is the name of the
    one file where one is asked for, ``here`` says that no platform was named,
    so that the system of this machine counts, and ``inputs`` are files that
    must not be written over. ``command`` makes the files again; ``verb``
    is the command that was typed. ``constraints`` bound both sides.
    """

    request: CondaRequest
    settings: IndexSettings
    subdirs: tuple[str, ...]
    formats: tuple[Format, ...]
    command: str
    name: str
    verb: str = "lock"
    here: bool = True
    output: Path | None = None
    inputs: frozenset[Path] = frozenset()
    constraints: tuple[Requested, ...] = ()
    accelerator: Accelerator = Accelerator.AUTO
    engine: EngineName = EngineName.PIPTOOLS
    exclude_newer: datetime | None = None
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrade_packages: frozenset[NormalizedName] = frozenset()
