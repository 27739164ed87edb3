"""`envlock cache dir`, `size` and `clean`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from envlock import report
from envlock.cli.options import TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.cache import CleanOptions
from envlock.errors import WorkError
from envlock.index.handover import uv_cache, uv_environment, uv_program
from envlock.model import IndexSettings
from envlock.system import (
    cache_root,
    exclusive,
    own_in_cache,
    remove_file,
    run,
    size_words,
)
from envlock.trees import disk_usage

#: The variable that moves each cache.
_VARIABLES = {"envlock": "ENVLOCK_CACHE_DIR", "uv": "UV_CACHE_DIR"}


def run_dir(talk: TalkOptions) -> int:
    """Do `envlock cache dir`."""
    places = dict(_places())
    if talk.json:
        say_json("cache dir", {"caches": _data(places)})
    else:
        rows = [(name, f"{place}  ({_VARIABLES[name]})") for name, place in places.items()]
        say(report.rows_text(rows))
    return 0


def run_size(talk: TalkOptions) -> int:
    """Do `envlock cache size`."""
    places = dict(_places())
    own = {each.name: disk_usage(each) for each in own_in_cache() if each.is_dir()}
    sizes = {"envlock": sum(own.values()), "uv": disk_usage(places["uv"])}
    if talk.json:
        data = _data(places)
        for each in data:
            each["size"] = sizes[str(each["name"])]
        say_json("cache size", {"caches": data, "parts": own})
        return 0
    rows = [(name, f"{size_words(sizes[name])}  {place}") for name, place in places.items()]
    rows[1:1] = [("", f"{size_words(size)}  {name}") for name, size in own.items()]
    say(report.rows_text(rows))
    return 0


def run_clean(own: CleanOptions, talk: TalkOptions) -> int:
    """Do `envlock cache clean`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    places = dict(_places())
    freed = _emptied()
    if own.uv:
        before = disk_usage(places["uv"])
        with progress.phase(f"empty {places['uv']}"):
            done = run([uv_program(), "cache", "clean"], env=uv_environment(IndexSettings()))
        if done.returncode != 0:
            raise WorkError(f"uv cannot empty {places['uv']}: {done.stderr.strip()}")
        freed += before - disk_usage(places["uv"])
    if talk.json:
        say_json("cache clean", {"freed": freed})
    else:
        say(f"{size_words(freed)} freed")
    return 0


def _places() -> Iterator[tuple[str, Path]]:
    root = cache_root()
    if root is None:
        raise WorkError("there is no home folder, so nothing is kept", "ENVLOCK_CACHE_DIR=FOLDER")
    yield "envlock", root
    yield "uv", uv_cache()


def _data(places: dict[str, Path]) -> list[dict[str, object]]:
    return [
        {"name": name, "folder": str(place), "variable": _VARIABLES[name]}
        for name, place in places.items()
    ]


def _emptied() -> int:
    """Remove what is envlock's, once nobody makes a helper there any more."""
    freed = 0
    for each in own_in_cache():
        freed += disk_usage(each) if each.is_dir() else each.stat().st_size
        for lock in each.glob("*.lock"):
            with exclusive(lock):
                pass
        remove_file(each)
    return freed
