"""When releases came, as the index says, and whose the modules of an environment are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.bisect.trials import files_in
from envlock.diagnose.dated import Dated
from envlock.index.filenames import admitted, released_on, releases
from envlock.index.pages import Index
from envlock.locking.job import Job
from envlock.model import DistributionFile
from envlock.progress import Progress
from envlock.rules.traces import distribution_of
from envlock.targets.tags import installable, serves


class Calendar:
    """The days of releases on the index of a job, for its Python."""

    def __init__(self, job: Job, progress: Progress) -> None:
        """``job`` says where is looked, and for what."""
        self._job = job
        self._target = job.target()
        self._index = Index(job.settings, progress=progress)

    def __call__(self, name: NormalizedName) -> Mapping[Version, Dated]:
        """Return the releases whose day the index tells."""
        files = admitted(self._index.files(name), self._job.request.exclude_newer)
        listed = releases(files)
        wheels = any(installable(each, self._target) for own in listed.values() for each in own)
        found: dict[Version, Dated] = {}
        for version, own in listed.items():
            day = released_on(own)
            if day is not None:
                found[version] = Dated(day=day, serves=self._serves(own, wheels=wheels))
        return found

    def _serves(self, files: tuple[DistributionFile, ...], *, wheels: bool) -> bool:
        """Whether a release is to be had; of what has ``wheels`` for this Python, one with one.

        Source that is as old as that is not built any more.
        """
        if wheels:
            return any(installable(each, self._target) for each in files)
        return serves(files, self._target)


def owners(python: Path) -> Callable[[str], NormalizedName | None]:
    """Return who tells which distribution of an environment an import package is of."""
    files = files_in(python)
    tops = {path.split("/")[0].split(".")[0]: name for path, name in files.items()}
    there = {*files.values()}

    def owner(package: str) -> NormalizedName | None:
        known = distribution_of(package)
        return known if known in there else tops.get(package)

    return owner
