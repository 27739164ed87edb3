"""``Dockerfile``: the Python and framework of its base, and what its steps install. Pure.

Sources: Docker's "Dockerfile reference" (continuation lines, ``ARG``, ``ENV``,
the exec form of ``RUN``, heredocs), and the tags of the image ``python`` and
of those that a framework publishes under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from envlock.documents import Malformed, json_value
from envlock.formats.declarations import By, Declaration, place
from envlock.formats.shell import fill, installs
from envlock.rules.frameworks import frameworks

_STEP = re.compile(r"[ \t]*([A-Za-z]+)[ \t]+(.*)", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*[\"']?(\w+)[\"']?")
_OPTION = re.compile(r"^(?:--[\w-]+(?:=\S*)?\s+)+")
_SET = re.compile(r"([A-Za-z_]\w*)[= \t]+(?:\"([^\"]*)\"|'([^']*)'|(\S*))")
_IMAGE = re.compile(r"(?:[\w.-]+(?::\d+)?/)*?(?P<name>[\w.-]+(?:/[\w.-]+)?):(?P<tag>[\w.-]+)")
_MINOR = re.compile(r"(\d+\.\d+(?:\.\d+)?)(?![\d])")
_RELEASE = re.compile(r"(\d+\.\d+\.\d+(?:rc\d+)?)(?:-|$)")


def declarations(path: Path, text: str) -> Iterator[Declaration]:
    """Yield what an image will hold, its stages one after the other."""
    known: dict[str, str] = {}
    copied: dict[str, str] = {}
    for line, verb, rest in steps(text):
        where = place(path, line)
        match verb:
            case "FROM":
                yield from _of_base(fill(_OPTION.sub("", rest), known), where)
            case "ARG" | "ENV":
                known.update(_assigned(rest, known))
            case "COPY" | "ADD":
                copied.update(_copied(fill(_OPTION.sub("", rest), known)))
            case "RUN":
                for command in _commands(rest):
                    for each in installs(command, where, known):
                        yield _beside(each, copied)
            case _:
                pass


def steps(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each instruction: its line, its name in capitals, its rest with lines joined."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        first = at
        parts: list[str] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                continue  # Docker drops comments and empty lines within a step
            going_on = line.rstrip().endswith("\\")
            parts.append(line.rstrip()[:-1] if going_on else line)
            if not going_on:
                break
        found = _STEP.match(" ".join(parts))
        if found is None:
            continue
        rest = found[2]
        if found[1].upper() == "RUN" and (ends := _HEREDOC.search(rest)):
            body, at = _here(lines, at, ends[1])
            rest = "\n".join(body)
        yield first + 1, found[1].upper(), rest


def _here(lines: list[str], at: int, end: str) -> tuple[list[str], int]:
    body: list[str] = []
    while at < len(lines) and lines[at].strip() != end:
        body.append(lines[at])
        at += 1
    return body, at + 1


def _commands(rest: str) -> Iterator[str]:
    """The lines of a shell that a step runs; of the exec form, its words as one line."""
    rest = _OPTION.sub("", rest.strip())
    if rest.startswith("["):
        try:
            words = json_value(rest)
        except Malformed:
            words = None
        if isinstance(words, list):
            yield " ".join(f"'{word}'" for word in words if isinstance(word, str))
            return
    yield from rest.splitlines()


def _assigned(rest: str, known: Mapping[str, str]) -> dict[str, str]:
    found = {
        name: fill(double or single or bare, known)
        for name, double, single, bare in _SET.findall(rest)
    }
    return {name: value for name, value in found.items() if value}


def _copied(rest: str) -> dict[str, str]:
    """The names that files have in the image's folders → where they lie beside the file."""
    *sources, target = rest.split() or [""]
    found = {PurePosixPath(each).name: each for each in sources}
    if len(sources) == 1:
        found[PurePosixPath(target).name] = sources[0]
    return found


def _beside(each: Declaration, copied: Mapping[str, str]) -> Declaration:
    """A file that a step names lies where it was copied from."""
    option, _, name = each.text.partition(" ")
    if option not in {"-r", "-c"}:
        return each
    base = PurePosixPath(name).name
    return replace(each, text=f"{option} {copied.get(base, base).removeprefix('./')}")


def _of_base(image: str, where: str) -> Iterator[Declaration]:
    found = _IMAGE.match(image.split(maxsplit=1)[0] if image.split() else "")
    if found is None:
        return
    name, tag = found["name"].removeprefix("library/"), found["tag"]
    minor = _MINOR.match(tag)
    if name == "python" and minor:
        yield Declaration(where=where, text=_python(minor[1]), by=By.PYTHON)
    release = _RELEASE.match(tag)
    found_in = next((each for each in frameworks() if each.name == name.rpartition("/")[2]), None)
    if found_in is not None and release is None:  # latest, nightly: which one, nobody knows
        yield Declaration(where=where, text=found_in.name, by=By.BASE)
    elif found_in is not None and release is not None:
        has_gpu = "gpu" in tag and any(s.contains(release[1]) for s in found_in.gpu_releases)
        kind = found_in.gpu if has_gpu and found_in.gpu else found_in.name
        yield Declaration(where=where, text=f"{kind}=={release[1]}", by=By.BASE)


def _python(version: str) -> str:
    return f"=={version}" if version.count(".") > 1 else f"=={version}.*"
