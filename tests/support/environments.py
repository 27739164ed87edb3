"""A request as the environment.yml that asks for the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envlock.formats.conda_spec import selector
from envlock.formats.yaml_text import exactly, quoted
from envlock.model import CondaSpec, Request


def environment_yml(request: Request) -> str:
    """Write a request of conda's packages and pip's."""
    return "".join(f"{line}\n" for line in _lines(request))


def _lines(request: Request) -> Iterator[str]:
    if request.name:
        yield f"name: {quoted(request.name)}"
    channels = [*request.channels, *(["nodefaults"] if request.nodefaults else [])]
    yield from _listed("channels:", channels)
    bounds = dict.fromkeys(each.origin.rpartition(":")[0] for each in request.pip_constraints)
    pip = [
        *request.pip_options,
        *(f"--constraint {file}" for file in bounds if file),
        *(str(each.requirement) for each in request.requirements),
    ]
    yield "dependencies:" if request.specs or pip else "dependencies: []"
    yield from map(_spec, request.specs)
    if pip:
        yield "  - pip:"
    yield from (f"      - {quoted(each)}" for each in pip)
    yield from _listed("platforms:", request.platforms)
    if request.variables:
        yield "variables:"
    yield from (f"  {quoted(name)}: {exactly(text)}" for name, text in request.variables.items())


def _spec(spec: CondaSpec) -> str:
    only = f"  # [{selector(spec.only)}]" if spec.only else ""
    return f"  - {quoted(str(spec))}{only}"


def _listed(head: str, items: Iterable[str]) -> Iterator[str]:
    listed = [f"  - {quoted(each)}" for each in items]
    yield from [head, *listed] if listed else []
