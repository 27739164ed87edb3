"""From files and texts that people have to `Examined`: what is known of an environment.

Everything is read as far as it can be understood. A line that cannot be is a
note with its place, not an error. Pure apart from reading files.
What reads files is imported when it is asked for: an environment needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from envlock.examine.gathered import Given
from envlock.examine.merge import merge

if TYPE_CHECKING:
    from envlock.examine.dispatch import examine_content, examine_part, examine_path
    from envlock.examine.model_file import ModelFile, examine_model
    from envlock.examine.reading import cut, decode
    from envlock.examine.text import examine_text

_HOMES = {
    "ModelFile": "model_file",
    "cut": "reading",
    "decode": "reading",
    "examine_content": "dispatch",
    "examine_model": "model_file",
    "examine_part": "dispatch",
    "examine_path": "dispatch",
    "examine_text": "text",
}

__all__ = [
    "Given",
    "ModelFile",
    "cut",
    "decode",
    "examine_content",
    "examine_model",
    "examine_part",
    "examine_path",
    "examine_text",
    "merge",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever is asked for)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
