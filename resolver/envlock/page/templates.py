"""The parts of the page that are files: read, and filled with values."""

from __future__ import annotations

from importlib.resources import files


def asset(name: str) -> str:
    """Return the text of a file."""
    return files("envlock.page").joinpath("assets", name).read_text(encoding="utf-8")


def filled(template: str, values: dict[str, str]) -> str:
    """Return the template with ``{{name}}`` replaced; what is put in is not looked at again."""
    first, *rest = template.split("{{")
    parts = [first]
    for each in rest:
        name, _, text = each.partition("}}")
        parts += [values[name], text]
    return "".join(parts)
