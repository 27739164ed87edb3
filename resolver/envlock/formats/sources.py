"""Python and INI that somebody wrote → a tree, sections; nothing of it is run. Pure.

As in `envlock.documents`, whatever the libraries raise is told with its place.
"""

from __future__ import annotations

import ast
import configparser
import warnings
from collections.abc import Mapping

from envlock.errors import UsageError
from envlock.formats.faults import safe


def read_settings(name: str, text: str) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of an INI file, each as its keys; ``name`` is for errors.

    Raises:
        UsageError: it is none; with the line, where the parser tells it.
    """
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError, AttributeError) as error:  # lines below no value
        why = str(error).partition("\n")[0].replace("'<string>'", "the file")
        raise UsageError(f"{name}: not a file of settings: {safe(why)}") from None
    return {
        each: {key: value or "" for key, value in parser.items(each)} for each in parser.sections()
    }


def python_tree(text: str) -> ast.Module | None:
    """Return the syntax tree of a script; None: it is for another Python, or for none."""
    found = parsed(text)
    return None if isinstance(found, int) else found


def parsed(text: str) -> ast.Module | int:
    """Return a script's tree, or the number of the line where it ends to be one, 0 for none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of somebody's escapes
            return ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0
