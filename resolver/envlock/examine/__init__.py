"""From files and texts that people have to `Examined`: what is known of an environment.

Everything is read as far as it can be understood. A line that cannot be is a
note with its place, not an error. Pure apart from reading files.
"""

from __future__ import annotations

from envlock.examine.dispatch import examine_content, examine_path
from envlock.examine.gathered import Given
from envlock.examine.merge import merge
from envlock.examine.model_file import ModelFile, examine_model
from envlock.examine.reading import decode
from envlock.examine.text import examine_text

__all__ = [
    "Given",
    "ModelFile",
    "decode",
    "examine_content",
    "examine_model",
    "examine_path",
    "examine_text",
    "merge",
]
