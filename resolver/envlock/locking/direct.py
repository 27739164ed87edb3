"""Requirements that name a place, made ready for a solve, and their pins afterwards.

What is at the place is brought here and asked for its name, version and needs,
as it says them itself: a wheel's metadata, or the files of its project. An
engine then sees a wheel with these and nothing else, and the package is held to
it: for the solve it is a release like any other, whoever the engine is. What
only a build would tell is built where ``--allow-build`` names it, and so is
what will have to be built where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.parser import BytesHeaderParser
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.builds import UNTOLD, Built, Direct, DirectKind
from envlock.choices import ALL_BUILDS
from envlock.errors import InterpreterMissing, NoResolution, UsageError
from envlock.formats.declared import declared
from envlock.formats.direct import direct_of, last_part, path_of, without_login
from envlock.formats.pep508 import release_at
from envlock.index.filenames import WHEEL_SUFFIX
from envlock.index.pages import Index
from envlock.index.secrets import redact
from envlock.index.stubs import stub_wheel
from envlock.locking.job import Work
from envlock.locking.sources import builder_of
from envlock.model import DistributionFile, LockedPackage, Requested, Target
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.sdists.building import Made, SourceRelease, attempts, build
from envlock.sdists.fetching import archive, metadata_of, repository, unpacked
from envlock.system import make_folder, scratch, write_files
from envlock.targets.tags import tagged_for

_DEEPEST = 30  # places that are named by what is at places


class Found(Struct, frozen=True, kw_only=True):
    """What is at a place: a release, its metadata, and for an archive its hash."""

    name: NormalizedName
    version: Version
    direct: Direct
    metadata: bytes
    hashes: tuple[str, ...] = ()
    built: Built | None = None

    def pin(self, package: LockedPackage) -> LockedPackage:
        """The pin of it, which knows where it is from."""
        return replace(
            package,
            hashes=self.hashes,
            files=(),
            index="",
            elsewhere=(),
            built=self.built,
            direct=self.direct,
        )


Places = Mapping[NormalizedName, Found]


@contextmanager
def fetched(work: Work, goal: Target, progress: Progress) -> Iterator[tuple[Work, Places]]:
    """Give the work with a version in the place of each place, and what is at these.

    Raises:
        UsageError: nothing is there, or it is another package.
        NoResolution: only a build would tell what it needs, and nobody allows it.
        WorkError: it cannot be read.
    """
    request = work.job.request
    bounds = ("constraints", "pip_constraints", "users")
    asked = [
        *request.requirements,
        *(wish for each in request.optional.values() for wish in each),
        *(bound for key in bounds for bound in getattr(request, key)),
    ]
    if not any(each.requirement.url for each in asked):
        yield work, {}
        return
    with scratch() as folder:
        fetching = _Fetching(work, goal, folder, progress)
        for each in applicable(asked, goal):
            if each.requirement.url:
                fetching.take(each)
        links = folder / "links"
        fetching.write(links)
        settings = work.job.settings
        url = links.as_uri()
        settings = replace(
            settings,
            find_links=(*settings.find_links, url),
            sources=(*((name, url) for name in fetching.found), *settings.sources),
        )
        optional = {
            each: tuple(map(fetching.released, wanted)) for each, wanted in request.optional.items()
        }
        released = replace(
            request,
            requirements=tuple(map(fetching.released, request.requirements)),
            optional=optional,
            **{key: tuple(map(fetching.released, getattr(request, key))) for key in bounds},
        )
        # What was proved is releases of an index.
        job = replace(work.job, request=released, settings=settings, fresh=True)
        yield replace(work, job=job), fetching.found


def pinned(packages: Iterable[LockedPackage], found: Places) -> tuple[LockedPackage, ...]:
    """Return pins of which those that are from a place say so."""
    return tuple(found[each.name].pin(each) if each.name in found else each for each in packages)


def notes_of(found: Places) -> Iterator[str]:
    """Say what a reader of the lock must know of what is from a place."""
    git = [name for name, each in found.items() if each.direct.is_git]
    folders = [n for n, each in found.items() if each.direct.kind is DirectKind.DIRECTORY]
    if git:
        named = " and ".join(sorted(git))
        yield (
            f"{named} is from git, held to a commit: pip cannot check a hash of it, and refuses"
            " to install it beside what has hashes; envlock sync and uv do it"
        )
    if folders:
        yield (
            f"{' and '.join(sorted(folders))} is a folder of this project: it is installed as it"
            " is when the lock is used, and no hash holds it"
        )


class _Fetching:
    """Brings what is at places here, for one target, each once."""

    def __init__(self, work: Work, goal: Target, folder: Path, progress: Progress) -> None:
        self._work = work
        self._goal = goal
        self._folder = folder
        self._progress = progress
        self._named: dict[str, NormalizedName] = {}
        self.found: dict[NormalizedName, Found] = {}

    def take(self, asked: Requested, depth: int = 0) -> None:
        """Take in a requirement that names a place, and those that it has itself."""
        address = asked.requirement.url or ""
        if address in self._named:
            return
        if depth > _DEEPEST:
            raise UsageError(f"{asked.origin}: places that lead to places without end")
        found = self._found(asked, direct_of(address))
        other = self.found.get(found.name)
        if other is not None and other.direct != found.direct:
            raise NoResolution(
                f"these two lines exclude each other: {found.name} is from"
                f" {redact(other.direct.address)} and from {redact(address)} ({asked.origin})",
                f"leave one of them out of {asked.origin}",
            )
        self._named[address] = found.name
        self.found[found.name] = found
        for text in _needs(found.metadata):
            need = standards.requirement(text)
            if need is not None and need.url and _holds(need, self._goal, asked):
                wish = Requested(requirement=need, origin=f"{found.name} {found.version}")
                self.take(wish, depth + 1)

    def released(self, asked: Requested) -> Requested:
        """The requirement of a place as one on the release that is there."""
        name = self._named.get(asked.requirement.url or "")
        if name is None:
            return asked
        version = self.found[name].version
        return replace(asked, requirement=_with_version(asked.requirement, name, version))

    def write(self, folder: Path) -> None:
        """Write a wheel of each that an engine can ask."""
        for name, each in self.found.items():
            stem = f"{name.replace('-', '_')}-{each.version}"
            content = stub_wheel(stem, self._rewritten(each), "py3-none-any")
            write_files({_made(folder) / f"{stem}-py3-none-any.whl": content})

    def _rewritten(self, found: Found) -> bytes:
        """Metadata in which what is needed from a place is needed in its version."""
        lines = [f"Name: {found.name}", f"Version: {found.version}"]
        said = BytesHeaderParser().parsebytes(found.metadata)
        if said["Requires-Python"]:
            lines.append(f"Requires-Python: {said['Requires-Python']}")
        lines += (f"Provides-Extra: {each}" for each in said.get_all("Provides-Extra", []))
        for text in _needs(found.metadata):
            need = standards.requirement(text)
            name = self._named.get((need.url or "") if need is not None else "")
            if need is not None and name is not None:
                need = _with_version(need, name, self.found[name].version)
            lines.append(f"Requires-Dist: {need or text}")
        return "\n".join(["Metadata-Version: 2.1", *lines, ""]).encode()

    def _found(self, asked: Requested, direct: Direct) -> Found:
        """What is at a place; refused where it is not what was asked for."""
        place = _made(self._folder / str(len(self._named)))
        match direct.kind:
            case DirectKind.GIT:
                kept = self._kept(direct)
                commit = repository(kept or direct, place / "source", self._progress)
                held = replace(direct, commit=commit, url=without_login(direct.url))
                found = self._project(asked, held, place / "source" / direct.subdirectory)
            case DirectKind.ARCHIVE:
                found = self._archive(asked, direct, place)
            case DirectKind.DIRECTORY:
                found = self._project(asked, direct, path_of(direct))
        written = asked.requirement.name
        told = not _is_placeholder(asked.requirement)
        if told and canonicalize_name(written) != found.name:
            raise UsageError(
                f"{asked.origin}: {written} is asked for, and {redact(direct.address)} is"
                f" {found.name}",
                f"write {found.name} @ {redact(direct.address)}",
            )
        return found

    def _kept(self, direct: Direct) -> Direct | None:
        """The commit that the lock that is there has of a revision that may have moved."""
        job = self._work.job
        before = self._work.kept.get(str(self._goal.platform))
        for each in before.pypi if before is not None else ():
            known = each.direct
            if known is not None and known.is_of(direct) and known.revision == direct.revision:
                return known if each.name not in job.upgraded else None
        return None

    def _archive(self, asked: Requested, direct: Direct, place: Path) -> Found:
        path = path_of(replace(direct, subdirectory="")) if direct.is_local else None
        file, digest = archive(direct, path, place, self._work.job.settings, self._progress)
        held = replace(direct, digest="", url=without_login(direct.url))
        if file.name.endswith(WHEEL_SUFFIX):
            if not tagged_for(DistributionFile(filename=file.name, url="", hashes={}), self._goal):
                raise NoResolution(
                    f"{file.name} ({asked.origin}) is not for Python {self._goal.minor} on"
                    f" {self._goal.platform}: the tags of its name say so",
                    f"name a wheel for it, or a release of an index: {asked.requirement.name}",
                )
            return _of_metadata(metadata_of(file), held, hashes=(digest,))
        found = self._project(
            asked, held, unpacked(file, _made(place / "in")) / direct.subdirectory
        )
        return replace(found, hashes=(digest,))

    def _project(self, asked: Requested, direct: Direct, folder: Path) -> Found:
        """The project in a folder, asked without running anything of it, or built."""
        said = declared(folder)
        name = said.name or ("" if _is_placeholder(asked.requirement) else asked.requirement.name)
        here = direct.kind is DirectKind.DIRECTORY
        if not said.is_project:
            raise UsageError(
                f"{asked.origin}: {redact(direct.address)} has no pyproject.toml, setup.cfg or"
                " setup.py there",
                "name the folder with #subdirectory=FOLDER behind the address",
            )
        allowed = {*self._work.job.request.allow_build} & {canonicalize_name(name), ALL_BUILDS}
        if allowed and not here:
            return self._built(name, asked, direct, folder)
        if said.fault or not name:
            why = said.fault or "it does not say its name"
            if allowed:
                return self._built(name, asked, direct, folder)
            raise NoResolution(
                f"{redact(direct.address)} ({asked.origin}): only a build would tell what it needs"
                f" ({why}), and a build runs its code",
                f"--allow-build {canonicalize_name(name) or ALL_BUILDS}",
            )
        if not here:
            self._progress.note(
                f"{name} is source: it is built where the lock is installed, which runs its code;"
                f" --allow-build {canonicalize_name(name)} lets it"
            )
        told = None if direct.is_git else release_at(direct.url)[1]
        version = standards.version(said.version) or told or UNTOLD
        return Found(
            name=canonicalize_name(name),
            version=version,
            direct=direct,
            metadata=said.metadata(name, str(version)),
        )

    def _built(self, said: str, asked: Requested, direct: Direct, folder: Path) -> Found:
        name = canonicalize_name(said or asked.requirement.name)
        builder = builder_of(self._goal)
        if builder is None:
            raise InterpreterMissing(
                f"{name} has to be built, and no Python {self._goal.minor} for"
                f" {self._goal.platform} is here",
                f"leave --platform out, or have a Python {self._goal.minor}",
            )
        settings = self._work.job.settings
        self._progress.note(f"{name} is built of its source, which runs its code (--allow-build)")
        file = DistributionFile(filename=folder.name, url=direct.url, hashes={})
        source = SourceRelease(name=name, version=UNTOLD, file=file, target=builder)
        index = Index(settings, progress=self._progress)
        made = build(source, folder, attempts(source, index), settings, self._progress)
        if not isinstance(made, Made):
            raise NoResolution(
                f"{redact(direct.address)} ({asked.origin}) cannot be built for Python"
                f" {self._goal.minor}: {made.cause} (tried {', '.join(made.ways)})",
                f"name another revision of it, or a release of an index: {name}",
            )
        return replace(_of_metadata(metadata_of(made.wheel), direct), built=made.built)


def _of_metadata(text: bytes, direct: Direct, hashes: tuple[str, ...] = ()) -> Found:
    said = BytesHeaderParser().parsebytes(text)
    name, version = str(said["Name"] or ""), standards.version(str(said["Version"] or ""))
    if not name or version is None:
        raise UsageError(
            f"{redact(direct.address)} says neither its name nor its version",
            "name another file",
        )
    return Found(
        name=canonicalize_name(name), version=version, direct=direct, metadata=text, hashes=hashes
    )


def _needs(metadata: bytes) -> list[str]:
    said = BytesHeaderParser().parsebytes(metadata)
    return [" ".join(str(each).split()) for each in said.get_all("Requires-Dist", [])]


def _holds(need: Requirement, goal: Target, asked: Requested) -> bool:
    """Whether a need counts for a target and the extras that are asked for."""
    if need.marker is None:
        return True
    extras = asked.requirement.extras or {""}
    return any(need.marker.evaluate({**goal.markers, "extra": each}) for each in extras)


def _with_version(asked: Requirement, name: str, version: Version) -> Requirement:
    found = Requirement(str(asked))
    found.name, found.url, found.specifier = name, None, SpecifierSet(f"=={version}")
    return found


def _is_placeholder(asked: Requirement) -> bool:
    """Whether a name is only the last part of the place that stands without one."""
    return canonicalize_name(asked.name) == last_part(direct_of(asked.url or ""))


def _made(folder: Path) -> Path:
    make_folder(folder)
    return folder
