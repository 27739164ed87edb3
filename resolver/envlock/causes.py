"""What is to blame for an error, in one word."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What has to change before an error goes away."""

    VERSION = "version"  # which release of a package, of Python or of a build it is
    CODE = "code"  # what the program does
    FILE = "file"  # a file that is missing, damaged, or not what it is taken for
    SYSTEM = "system"  # a disk, rights, locks, memory, a processor, what the system lacks
    SAFETY = "safety"  # refused on purpose, because it could do harm
    NETWORK = "network"  # what is fetched, and how
    NOISE = "noise"  # nothing: it is printed, and all is well
