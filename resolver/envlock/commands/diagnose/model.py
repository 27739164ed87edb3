"""Saved models among what is diagnosed: what is in each file, and what loads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from envlock.diagnose import Loads, Looked, content_finding, loads
from envlock.errors import UsageError
from envlock.findings import Finding
from envlock.formats.model_content import content
from envlock.formats.model_file import examine_model, readable
from envlock.model import Rule


def look(paths: Iterable[Path], rules: Iterable[Rule]) -> Looked:
    """Look at files and folders that are meant as saved models.

    Raises:
        UsageError: one is missing or cannot be read, or nothing is known of what it is.
    """
    found: list[Finding] = []
    models: list[Loads] = []
    for path in paths:
        wrong = _content_finding(path, rules)
        found += [wrong] if wrong is not None else []
        try:
            models.append(loads(examine_model(path)))
        except UsageError:
            if wrong is None:
                raise
    return Looked(model=next(iter(models), None), findings=tuple(found))


def _content_finding(path: Path, rules: Iterable[Rule]) -> Finding | None:
    with readable(path):
        seen = content(path)
    return None if seen is None else content_finding(str(path), seen, rules)
