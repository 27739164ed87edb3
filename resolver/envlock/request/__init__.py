"""From what a user types or has in files to the parts of a `Request`.

Words of the command line, requirements and constraints files, pyproject.toml.
Pure apart from reading files through `envlock.system.read_text`.
"""

from __future__ import annotations

from envlock.request.dates import parse_date
from envlock.request.files import read_constraints_file, read_request_file
from envlock.request.markers import applicable
from envlock.request.parsed import ParsedFile
from envlock.request.requirements import find_root, parse_requirements
from envlock.request.syntax import parse_requirement
from envlock.request.words import parse_names, parse_words

__all__ = [
    "ParsedFile",
    "applicable",
    "find_root",
    "parse_date",
    "parse_names",
    "parse_requirement",
    "parse_requirements",
    "parse_words",
    "read_constraints_file",
    "read_request_file",
]
