"""What an environment was made for: the packages that somebody asked for, as it says itself."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from envlock.environment.inspect import site_folders
from envlock.environment.records import read_site
from envlock.environment.whose import asked_names


def requested_in(prefix: Path) -> frozenset[NormalizedName]:
    """Return what was asked for: by envlock's record, else by the files of pip.

    pip leaves a REQUESTED in the metadata of what was named to it. uv leaves it
    everywhere, so that of a package of its nothing can be told.
    """
    names = asked_names(prefix)
    if names is not None:
        return frozenset(map(canonicalize_name, names))
    return frozenset(
        each.name
        for site in site_folders(prefix)
        for each in read_site(site).distributions
        if each.installer == "pip" and (each.info / "REQUESTED").is_file()
    )
