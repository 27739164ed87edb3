"""Reads the pip section of an environment.yml; YAML nodes know their lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import yaml

from envlock.errors import UsageError
from envlock.write.comments import Header, one_line, read_header
from envlock.write.pins import Pin, read_pin

_OF_CONDA = re.compile(r"(python|pip)(\s*[=<>!~].*)?")


def read_environment(name: str, text: str) -> tuple[Header, list[Pin]]:
    """Read exact pins from the pip section; conda's part may hold python and pip alone.

    Raises:
        UsageError: it is not such a file; says the line.
    """
    dependencies = _member(_compose(name, text), "dependencies")
    if not isinstance(dependencies, yaml.SequenceNode):
        raise UsageError(f"{name}: no environment.yml: it has no list of dependencies")
    lines = text.splitlines()
    pins: list[Pin] = []
    for node in dependencies.value:
        pip = _member(node, "pip")
        if isinstance(pip, yaml.SequenceNode):
            pins += [_pin(name, each, lines) for each in pip.value]
        elif not isinstance(node, yaml.ScalarNode) or not _OF_CONDA.fullmatch(node.value):
            said = one_line(node.value) if isinstance(node, yaml.ScalarNode) else "this entry"
            raise UsageError(
                f"{_where(name, node)}: {said} is not locked from PyPI",
                "keep only python, pip and a pip section of exact pins in it",
            )
    return read_header(lines), pins


def _compose(name: str, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{name}{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not YAML: {one_line(str(error))}") from None
    except RecursionError:
        raise UsageError(f"{name}: not an environment.yml: it is nested too deeply") from None


def _member(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _where(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}"


def _pin(name: str, node: yaml.Node, lines: Sequence[str]) -> Pin:
    where = _where(name, node)
    if not isinstance(node, yaml.ScalarNode):
        raise UsageError(f"{where}: the pip section holds something that is not a requirement")
    under = map(str.lstrip, lines[node.end_mark.line + 1 :])
    comments = [line[1:] for line in takewhile(lambda line: line.startswith("#"), under)]
    return read_pin(where, node.value.strip(), comments)
