"""Counts as a sentence has them. Pure."""

from __future__ import annotations


def counted(count: int, noun: str, several: str = "") -> str:
    """A number with its noun: "1 package", "2,000 packages"; ``several`` is an odd plural."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"
