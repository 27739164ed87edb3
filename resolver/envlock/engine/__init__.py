"""Solvers, run as programs under one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envlock.choices import EngineName
from envlock.engine.interface import Answer, Engine, Problem, Solution, Unsatisfiable
from envlock.index.unbuilt import Unbuilt
from envlock.model import Target


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


def able(name: EngineName, target: Target, *, offline: bool = False) -> tuple[EngineName, Engine]:
    """Give an engine that solves for a target: the one that was named, where it can."""
    engine = ENGINES[name]()
    if engine.crosses_platforms or (target.interpreter is not None and not offline):
        return name, engine
    return crossing()


def crossing() -> tuple[EngineName, Engine]:
    """Give the engine that solves for Pythons that are not here."""
    made = ((name, make()) for name, make in ENGINES.items())
    return next((name, engine) for name, engine in made if engine.crosses_platforms)


__all__ = [
    "ENGINES",
    "Answer",
    "Engine",
    "EngineName",
    "Problem",
    "Solution",
    "Unbuilt",
    "Unsatisfiable",
    "able",
    "crossing",
]
