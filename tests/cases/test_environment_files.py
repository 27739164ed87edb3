"""Every environment.yml of public repositories goes in and comes out, or is refused in words.

``environment-files.json.xz`` holds the files as they are, with repository, path
and commit; ``environment-files.txt`` what envlock makes of each.
"""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.errors import UsageError
from envlock.model import Request, Requested
from envlock.request.environment_yml import read_environment
from support.environments import environment_yml

HERE = Path(__file__).parent
FILES: list[dict[str, str]] = json.loads(
    lzma.decompress((HERE / "environment-files.json.xz").read_bytes())
)
EXPECTED = (HERE / "environment-files.txt").read_text(encoding="utf-8")
#: An option, or a release by its place, whose name the place tells.
_PLACE = re.compile(r"-|\.|[\w.+-]+://|[^@]+ @ ")
WHERE = re.compile(r"environment\.yml:\d+: ")


def read(folder: Path, text: str) -> Request:
    path = folder / "environment.yml"
    path.write_bytes(text.encode())
    return read_environment(path, folder)


def told(file: dict[str, str], folder: Path) -> str:
    """A paragraph about one file: what it asks for, what is noted, or why it is refused."""
    lines = [f"{file['repository']} {file['path']}"]
    try:
        found = read(folder, file["text"])
    except UsageError as error:
        return "\n".join((*lines, *(f"  refused: {line}" for line in error.message.splitlines())))
    only = [f"{each} on {' '.join(each.only)}" for each in found.specs if each.only]
    marked = [str(each.requirement) for each in found.requirements if each.requirement.marker]
    channels = " ".join((*found.channels, *(["nodefaults"] if found.nodefaults else [])))
    lines.append(f"  {found.name}: {len(found.specs)} from conda ({channels})")
    lines += [f"  {len(found.requirements)} from pip"] if found.requirements else []
    lines += [f"  only: {each}" for each in (*only, *marked)]
    lines += [f"  platforms: {' '.join(found.platforms)}"] if found.platforms else []
    lines += [f"  variable: {name}={value}" for name, value in found.variables.items()]
    return "\n".join((*lines, *(f"  note: {each}" for each in found.notes)))


def test_each_file_is_understood_as_it_was_meant(tmp_path: Path) -> None:
    assert "\n".join(told(file, tmp_path) for file in FILES) + "\n" == EXPECTED


def comparable(request: Request) -> Request:
    """A request without the lines it was read from."""
    return replace(
        request,
        specs=tuple(replace(each, origin="") for each in request.specs),
        requirements=tuple(map(without_login, request.requirements)),
        notes=(),
    )


def without_login(requested: Requested) -> Requested:
    """Who logs in to a repository is written into no file."""
    text = re.sub(r"//[^/@]+@", "//****@", str(requested.requirement))
    return replace(requested, requirement=Requirement(text), origin="")


def refusal(folder: Path, text: str) -> str:
    """Why a file is refused, or ""."""
    try:
        read(folder, text)
    except UsageError as error:
        return error.message
    return ""


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f['repository']}/{f['path']}")
def test_a_file_comes_out_as_it_went_in_or_is_refused_with_its_lines(
    file: dict[str, str], tmp_path: Path
) -> None:
    refused = refusal(tmp_path, file["text"])
    if refused:
        assert all(WHERE.match(line) for line in refused.splitlines())
        return
    first = read(tmp_path, file["text"])
    written = environment_yml(first)
    again = read(tmp_path, written)
    assert comparable(again) == comparable(first)
    assert environment_yml(again) == written
    assert as_listed(first) == as_yaml_has_it(file["text"])


def as_listed(request: Request) -> dict[str, object]:
    return {
        "name": request.name,
        "channels": [*request.channels],
        "conda": [each.name for each in request.specs],
        "pip": [
            canonicalize_name(each.requirement.name)
            for each in request.requirements
            if each.requirement.url is None
        ],
    }


def as_yaml_has_it(text: str) -> dict[str, object]:
    """The same from YAML itself, and from the beginnings of the entries."""
    document = yaml.safe_load(text.replace("!!python/tuple", ""))
    listed = document["dependencies"] or []
    plain = [next(iter(each.values())) if is_selected(each) else each for each in listed]
    pip = [word for each in plain if isinstance(each, dict) for word in each["pip"] or ()]
    channels = dict.fromkeys(document.get("channels") or ())
    return {
        "name": document.get("name"),
        "channels": [
            "defaults" if each == "default" else each for each in channels if each != "nodefaults"
        ],
        "conda": [name_of(each.rpartition("::")[2]) for each in plain if isinstance(each, str)],
        "pip": [canonicalize_name(name_of(each)) for each in pip if not _PLACE.match(each)],
    }


def is_selected(entry: object) -> bool:
    return isinstance(entry, dict) and str(next(iter(entry))).startswith("sel(")


def name_of(entry: str) -> str:
    return re.split(r"[^\w.-]", entry.strip())[0].lower()
