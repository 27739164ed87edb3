"""Scenarios of packse, as `support.scenarios` runs them; `packse.md` has their source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envlock.engine import Engine
from envlock.errors import EnvlockError, InterpreterMissing
from envlock.model import Target
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from support.scenarios import Asking, Scenario, goal, run
from support.simple_index import SimpleIndex

#: Name → what is asked, the index, and what packse expects (null: nothing fits).
PACKSE: Mapping[str, Mapping[str, Any]] = json.loads(
    Path(__file__).with_name("packse.json").read_text(encoding="utf-8")
)


def scenario(name: str) -> Scenario:
    """Return a scenario of packse as one of envlock's; its lines are a requirements file."""
    said = PACKSE[name]
    index = {
        package: {version: _release(release) for version, release in releases.items()}
        for package, releases in said["index"].items()
    }
    lines = "".join(f"{line}\n" for line in said["requires"])
    return Scenario(name=name, why="", index=index, expect={}, requirements=lines)


def _release(said: Mapping[str, Any]) -> dict[str, Any]:
    release = {key: said[key] for key in ("requires", "requires_python", "sdist") if key in said}
    if "extras" in said:
        release["extras"] = list(said["extras"])
        release["requires"] = [
            *said.get("requires", ()),
            *(_for_extra(line, extra) for extra, lines in said["extras"].items() for line in lines),
        ]
    if "yanked" in said:
        release["yanked"] = "broken"
    if "tags" in said:
        release["tag"] = said["tags"]
    return release


def _for_extra(line: str, extra: str) -> str:
    wanted, _, marker = line.partition(";")
    condition = f"({marker.strip()}) and " if marker else ""
    return f"{wanted.strip()} ; {condition}extra == '{extra}'"


def place(name: str) -> Target | None:
    """Return the Python that a scenario is for; None where it is not on this machine."""
    python = minor(name)
    if python in {"", goal().minor}:
        return goal()
    try:
        return target(find_interpreter(python))
    except InterpreterMissing:
        return None


def minor(name: str) -> str:
    """Return the minor of Python that a scenario names, or nothing."""
    return ".".join(str(PACKSE[name].get("python", "")).split(".")[:2])


def answer(name: str, engine: Engine, index: SimpleIndex, on: Target) -> Mapping[str, str] | str:
    """Return the pins that an engine comes to, or the words of the refusal with its exit code."""
    asked = scenario(name)
    try:
        found = run(asked, Asking.of(asked), engine, index, on)
    except EnvlockError as error:
        told = (f"exit {error.exit_code}: {error.message}", *error.remedies)
        return "\n  try: ".join(told).replace(index.url, "the index")
    pins: dict[str, str] = {package.name: str(package.version) for package in found.packages}
    return {**pins, **{f"note {at}": note for at, note in enumerate(found.notes)}}


def pins_of(told: Mapping[str, str] | str) -> dict[str, str] | None:
    """Return the pins of an answer; None for a refusal."""
    if isinstance(told, str):
        return None
    return {name: version for name, version in told.items() if not name.startswith("note ")}
