"""Which variables an environment may set by itself, for every start of its Python. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
#: Plain characters, which mean the same in JSON and in Python.
_VALUE = re.compile(r"[ !#-\[\]-~]{0,200}")
#: What decides how programs start: an activated shell sets it, and no file of packages.
_NEVER = re.compile(
    r"PATH|HOME|SHELL|USER|TMPDIR|TEMP|TMP|(PYTHON|LD_|DYLD_|CONDA|VIRTUAL_ENV|PIP_|UV_|ENVLOCK)\w*"
)


def holdable(variables: Mapping[str, str]) -> dict[str, str]:
    """Return those of some variables that such a file sets, by name."""
    return {
        name: variables[name]
        for name in sorted(variables)
        if _NAME.fullmatch(name)
        and not _NEVER.fullmatch(name)
        and _VALUE.fullmatch(variables[name])
    }


def is_plain(value: str) -> bool:
    """Whether a value means the same wherever it is written."""
    return _VALUE.fullmatch(value) is not None
