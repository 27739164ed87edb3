"""What a distribution is used for once after its import, as ``uses.yaml`` has it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache

from packaging.utils import NormalizedName, canonicalize_name

from envlock.rules.frameworks import families
from envlock.rules.tables import table


@cache
def _uses() -> Mapping[NormalizedName, str]:
    said = table("uses.yaml")
    return {canonicalize_name(name): line for name, line in said.items()}


def use_of(name: NormalizedName) -> str:
    """Return the line of Python that uses a distribution, its family's where it has one, or ""."""
    return _uses().get(families().family_of(name) or name, "")


def uses_digest() -> str:
    """Name what the lines are: other lines, another proof."""
    return hashlib.sha256(json.dumps(_uses(), sort_keys=True).encode()).hexdigest()[:12]
