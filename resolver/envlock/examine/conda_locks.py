"""conda-lock.yml and pixi.lock, only to look into. Pure.

Such a lock may be for several platforms. What is examined is the part for the
one that is given, or else for Linux, or else the first.
"""

from __future__ import annotations

from pathlib import Path

from envlock.conda.values import CondaLock, CondaPlatformLock
from envlock.errors import UsageError
from envlock.examine.gathered import Gathered, Given
from envlock.examine.listings import gather_row
from envlock.findings import Examined, Kind
from envlock.targets.platforms import KNOWN
from envlock.write import read_conda_lock

_USUAL = "linux-64"


def examine_conda_lock(path: Path, text: str, given: Given) -> Examined:
    """Examine a lock of conda-lock or pixi.

    Raises:
        UsageError: it is none, says the line; or it is not for the given platform.
    """
    lock = read_conda_lock(path.name, text)
    part = _chosen(lock, path, given)
    gathered = Gathered(origin=str(path), given=given, manager="conda", complete=True)
    gathered.platform = next((k.platform for k in KNOWN if k.conda == part.subdir), None)
    if len(lock.platforms) > 1 and given.platform is None:
        gathered.note(str(path), f"the part for {part.subdir}; --platform names another")
    for package in part.packages:
        gather_row(gathered, package.name, package.version, package.channel, str(path))
    for pin in part.pip.packages if part.pip else ():
        gather_row(gathered, pin.name, str(pin.version), "pypi", str(path))
    return gathered.examined(Kind.FILE)


def _chosen(lock: CondaLock, path: Path, given: Given) -> CondaPlatformLock:
    there = {each.subdir: each for each in lock.platforms}
    if not there:
        raise UsageError(f"{path}: no lock: it has no packages")
    wanted = given.platform
    if wanted is None:
        return there.get(_USUAL) or next(iter(there.values()))
    held = {known.platform: there[known.conda] for known in KNOWN if known.conda in there}
    for platform, part in held.items():
        if platform.system == wanted.system and wanted.machine in {"", platform.machine}:
            return part
    said = "-".join(filter(None, (wanted.system, wanted.machine)))
    raise UsageError(
        f"{path}: is not for {said}; it is for {', '.join(there)}",
        *(f"--platform {platform}" for platform in held),
    )
