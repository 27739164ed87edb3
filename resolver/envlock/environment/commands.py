"""The commands that change one environment, as somebody types them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock.environment.records import Distribution
from envlock.errors import UsageError
from envlock.index.handover import uv_words
from envlock.index.settings import load_settings
from envlock.model import Remedy, RemedyKind
from envlock.system import WINDOWS
from envlock.system.typed import command, own_uv

#: What rules write for an environment that is not known.
_OF_PIP = ("python", "-m", "pip", "install")
#: Options of pip by the names that uv has for them.
_OF_UV = {"--force-reinstall": "--reinstall"}


class Commands(Struct, frozen=True, kw_only=True):
    """Words for an environment's own pip where it has one, else for uv.

    ``prefix`` is where conda installs, when it does; ``by_conda`` are the
    packages that it installed.
    """

    python: Path
    pip: bool
    prefix: Path
    by_conda: frozenset[NormalizedName] = frozenset()

    def install(self, *requirements: str) -> str:
        """Add packages, or change their versions; those of conda by conda."""
        theirs = [each for each in requirements if _name(each) in self.by_conda]
        ours = [each for each in requirements if each not in theirs]
        return " && ".join(
            (
                *((self.conda_install(*theirs),) if theirs else ()),
                *((self._installer("install", *ours),) if ours else ()),
            )
        )

    def conda_install(self, *specs: str) -> str:
        """Change the versions of conda packages."""
        return command("conda", "install", "--prefix", self.prefix, *specs)

    def reinstall(self, *distributions: Distribution) -> str:
        """Put the files of the same releases back, and nothing else.

        uv links files from its cache, where a change in place is a change of
        the cache too; so it is passed over.
        """
        options = (
            ("--force-reinstall", "--no-deps")
            if self.pip
            else ("--reinstall", "--no-deps", "--no-cache")
        )
        return self._installer("install", *options, *map(pinned, distributions))

    def uninstall(self, *names: str) -> str:
        """Remove packages."""
        return self._installer("uninstall", *(("--yes",) if self.pip else ()), *names)

    def conda_reinstall(self, *names: str) -> str:
        """Put the files of conda packages back."""
        return command("conda", "install", "--prefix", self.prefix, "--force-reinstall", *names)

    def here(self, text: str) -> str:
        """Return a command of a rule, which is for any environment, for this one."""
        words = tuple(shlex.split(text))
        if words[:4] != _OF_PIP:
            return text
        ours = words[4:] if self.pip else tuple(_OF_UV.get(each, each) for each in words[4:])
        return self._installer("install", *ours)

    def _installer(self, verb: str, *words: str) -> str:
        if self.pip:
            return command(self.python, "-m", "pip", verb, *words)
        places = _places() if verb == "install" else ()
        return command(*own_uv(), "pip", verb, "--python", self.python, *places, *words)


def _places() -> tuple[str, ...]:
    """Where pip is configured to look, which uv is not: as options, without credentials."""
    try:
        settings = load_settings(os.environ)
    except (UsageError, OSError):  # whoever installs is told what is wrong with them
        return ()
    return tuple(uv_words(settings))


def _name(requirement: str) -> NormalizedName:
    return canonicalize_name(re.split(r"[\s\[<>=!~;@]", requirement, maxsplit=1)[0])


def pinned(distribution: Distribution) -> str:
    """Return the requirement for exactly this release."""
    return f"{distribution.name}=={distribution.version}"


def delete(paths: Iterable[Path]) -> str:
    """Remove files and folders."""
    if not WINDOWS:
        return command("rm", "-r", *paths)
    return " && ".join(
        command(*(("rmdir", "/s", "/q") if path.is_dir() else ("del",)), path) for path in paths
    )


def remedy(*commands: str) -> Remedy:
    """One way out: commands, each once the one before has worked."""
    return Remedy(kind=RemedyKind.COMMAND, text=" && ".join(commands))
