"""Laws of environment.yml as a request: any text is one or refused in words, and it keeps."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.model import Request
from envlock.request.digest import conda_digest
from envlock.request.environment_yml import read_environment
from support.environments import environment_yml
from support.night import examples

LINES = st.sampled_from(
    [
        "name: x",
        "name: [x]",
        "channels: [conda-forge, nodefaults]",
        "channels:",
        "dependencies:",
        "dependencies: [numpy, pip: [six]]",
        "- numpy=1.26  # [linux and not aarch64]",
        "- conda-forge::h5py >=3, <4",
        "- sel(osx): clang",
        "- tensorflow=*=gpu*",
        "- blas[build=mkl,version='>=2']",
        "- https://host/noarch/a-1-0.conda",
        "-",
        "- pip:",
        "- pip: ~",
        "  - tensorflow[and-cuda]>=2 ; python_version < '3.12'",
        "  - psutil  # [win]",
        "  - -r other.txt",
        "  - -f https://u:p@host/x",
        "  - -e .",
        "  - {a: b}",
        "- [a]",
        "- {{ pin }}",
        "- &a b",
        "- *a",
        "- !!python/object:x y",
        "variables: {A: '1', B: [2]}",
        "platforms: [linux-64]",
        "prefix: /x",
        "---",
    ]
)
TEXTS = st.text(max_size=40) | st.lists(LINES | st.text(max_size=6), max_size=12).map("\n".join)
WORDS = st.text("abAB01._-=<>!~,|*[]'\"()/: +#@", max_size=25)


def without_places(request: Request) -> Request:
    return replace(
        request,
        specs=tuple(replace(each, origin="") for each in request.specs),
        requirements=tuple(replace(each, origin="") for each in request.requirements),
        notes=(),
    )


@examples(100)
@given(text=TEXTS)
@example(text="name: x\n  - -f https://u:p@host/x\ndependencies:")
def test_any_text_is_a_request_that_keeps_or_is_refused_in_words(text: str, tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        first = read_environment(path, tmp_path)
    except UsageError as error:
        for line in error.message.splitlines():
            assert line.startswith("environment.yml:")
            assert line.isprintable()
        return
    path.write_bytes(environment_yml(first).encode())
    again = read_environment(path, tmp_path)
    assert without_places(again) == without_places(first)
    assert conda_digest(again, ["linux-64"]) == conda_digest(first, ["linux-64"])


@examples(200)
@given(text=WORDS)
def test_any_words_are_a_specification_that_keeps_or_are_refused(text: str) -> None:
    try:
        spec = parse_spec(text)
    except UsageError:
        return
    assert parse_spec(str(spec)) == spec
