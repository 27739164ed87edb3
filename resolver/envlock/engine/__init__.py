"""Solvers, run as programs under one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envlock.choices import EngineName
from envlock.engine.interface import Answer, Engine, Problem, Solution, Unsatisfiable


def _piptools() -> Engine:
    from envlock.engine.piptools import PipTools  # noqa: PLC0415  (only the chosen one is loaded)

    return PipTools()


def _uv() -> Engine:
    from envlock.engine.uv import Uv  # noqa: PLC0415  (only the chosen one is loaded)

    return Uv()


#: How each engine is made.
ENGINES: Mapping[EngineName, Callable[[], Engine]] = {
    EngineName.PIPTOOLS: _piptools,
    EngineName.UV: _uv,
}

__all__ = ["ENGINES", "Answer", "Engine", "EngineName", "Problem", "Solution", "Unsatisfiable"]
