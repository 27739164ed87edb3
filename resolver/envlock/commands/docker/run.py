"""`envlock docker`."""

from __future__ import annotations

import os
import platform
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import report
from envlock.choices import STANDARD_OUTPUT, Format
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.orders import here
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.rows import say_rows
from envlock.commands.docker import ImageOptions
from envlock.commands.docker.bundled import bundled_order, bundled_pieces
from envlock.commands.lock.folder import Typed, is_for_conda
from envlock.commands.lock.job import lock_job
from envlock.config import load_config
from envlock.docker.bases import Frozen, base_words, parse_freeze, parse_image, parse_label
from envlock.docker.image import DockerOrder, Image, Machine, Piece, assemble, scripts
from envlock.docker.recipe import DOCKERFILE, IGNORE, SCRIPTS, is_edited, is_own
from envlock.engine import ENGINES, crossing
from envlock.errors import ExitCode, NoResolution, UsageError
from envlock.formats.registry import read_lock, texts_of
from envlock.locking.job import Job
from envlock.locking.make import check_lock, make_lock
from envlock.locking.outputs import differing, refuse_changed, seen
from envlock.locking.pypi import unproved
from envlock.model import Lock, Severity, Target
from envlock.progress import Progress, Silent
from envlock.releases import wheels_for
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.rules.frameworks import framework_of
from envlock.system import make_folder, read_text, refuse_irregular, remove_tree, write_texts
from envlock.system.looking import current_folder
from envlock.targets.platforms import NamedPlatform, find_known, read_platform


def run(request: RequestOptions, own: ImageOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock docker`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    own = as_configured(own)
    order = docker_order(request, own, index, progress)
    if own.check:
        found = check_image(order)
        code = ExitCode.of(problem=bool(found))
        if talk.json:
            say_json("docker", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the files are current",)))
        return code
    image = make_image(order, progress)
    written = write(image)
    if talk.json:
        say_json("docker", _data(image, written))
        return 0
    rows = [
        row
        for lock in image.locks
        for row in report.lock_rows(lock, (), written, verbose=talk.verbose)
    ]
    rows += [("base", str(image.base.image)), *(("note", note) for note in image.notes)]
    rows += [("written" if path in written else "unchanged", str(path)) for path in image.texts]
    folder = shlex.quote(order.folder.as_posix())
    rows.append(("next", f"docker build {shlex.join(image.options)} --tag NAME {folder}"))
    say_rows(rows, quiet=talk.quiet)
    return 0


def _data(image: Image, written: Collection[Path]) -> dict[str, Any]:
    return {
        "base": str(image.base.image),
        "platforms": image.platforms.split(","),
        **report.lock_data(image.locks, tuple(image.texts), written),
        "notes": [*dict.fromkeys(n for lock in image.locks for n in lock.notes), *image.notes],
    }


_ARM = {"aarch64", "arm64"}


def docker_order(
    request: RequestOptions, own: ImageOptions, index: IndexOptions, progress: Progress
) -> DockerOrder:
    """Everything that `envlock docker` makes an image by.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    _refuse_impossible(request, own)
    if own.bundle is not None:
        named = _places(dict(_machines(request))) if request.platform else {}
        return bundled_order(request, own, named, tuple(_options(own)))
    name, _ = crossing()
    if request.engine is not None and not ENGINES[request.engine]().crosses_platforms:
        progress.note(
            f"{name} resolves for an image, whichever machine asks for it; {request.engine} cannot"
        )
    machines = dict(_machines(request))
    asked = replace(request, platform=tuple(machines.values()), engine=name)
    job = lock_job("docker", Typed(request=asked, index=index), progress)
    options = tuple(_options(own))
    words = ("envlock", "docker", *_words(job.words), "--platform", ",".join(machines.values()))
    command = shlex.join([*words, *options])
    return DockerOrder(
        machines=tuple(_asked(replace(job, command=command), machines, own.output)),
        folder=own.output,
        command=command,
        labels=dict(map(parse_label, own.label)),
        options=options,
        base=own.base,
        digest=own.base_digest,
        freeze=own.base_freeze,
        verify=not own.no_verify,
    )


def _asked(job: Job, machines: Mapping[str, str], folder: Path) -> Iterator[Machine]:
    """What is locked for each machine, and the file of it."""
    for name, place in _places(machines).items():
        path = folder / f"requirements{f'.{name}' if len(machines) > 1 else ''}.lock"
        own = replace(job, places=(place,), outputs={path: Format.REQUIREMENTS})
        yield Machine(name=name, path=path, job=own)


def as_configured(own: ImageOptions) -> ImageOptions:
    """What was typed of an image, with what is configured."""
    config = load_config(current_folder(), os.environ)
    freeze = config.base_freeze if own.bundle is None else None
    return replace(
        own,
        output=Path(here(own.output if own.output != Path() else config.image or Path())),
        base=own.base or config.base,
        base_digest=own.base_digest or (None if own.base else config.base_digest),
        base_freeze=own.base_freeze or (freeze and Path(here(freeze))),
        label=(*config.labels, *own.label),
        no_verify=own.no_verify or config.no_verify,
    )


def _refuse_impossible(request: RequestOptions, own: ImageOptions) -> None:
    if own.base is not None and own.base not in base_words():
        parse_image(own.base, own.base_digest)
    if own.output == STANDARD_OUTPUT:
        raise UsageError("-o -: these are several files, and a folder is needed", "-o image")
    if own.output.exists() and not own.output.is_dir():
        raise UsageError(f"-o {own.output}: is a file, and a folder is needed", "-o image")
    if is_for_conda(request, CondaOptions()):
        raise UsageError(
            "an image is built from Python packages alone, and an environment file asks conda too",
            "write its packages as requirements, and give those: -r requirements.in",
        )


def _places(machines: Mapping[str, str]) -> dict[str, NamedPlatform]:
    """The machines that are asked for, each with its platform."""
    return {name: read_platform(asked) for name, asked in machines.items()}


def _words(words: Sequence[str]) -> Iterator[str]:
    """The words of the request; which engine it was need not be said."""
    engine = words.index("--engine") if "--engine" in words else len(words)
    yield from (*words[:engine], *words[engine + 2 :])


def _machines(request: RequestOptions) -> Iterator[tuple[str, str]]:
    """Docker's names of the machines that are asked for, this one where none is, as typed too."""
    if not request.platform:
        machine = "arm64" if platform.machine().lower() in _ARM else "amd64"
        yield machine, f"linux/{machine}"
    for name in (each for names in request.platform for each in names.split(",")):
        known = find_known(read_platform(name).platform)
        system, _, machine = (known.docker if known else "").partition("/")
        if system != "linux":
            raise UsageError(
                f"--platform {name}: images are made for linux/amd64 and linux/arm64",
                "--platform linux/amd64",
            )
        yield machine, name


def _options(own: ImageOptions) -> Iterator[str]:
    """The words of a command that say the same again, but for --check."""
    if own.base is not None:
        yield from ("--base", own.base)
    if own.base_digest is not None:
        yield from ("--base-digest", own.base_digest)
    if own.base_freeze is not None:
        yield from ("--base-freeze", here(own.base_freeze))
    for label in own.label:
        yield from ("--label", label)
    if own.no_verify:
        yield "--no-verify"
    if here(own.output) != ".":
        yield from ("-o", here(own.output))


_OWN_COPY = "leave --base-freeze out: the environment then has its own copy of everything"


def make_image(order: DockerOrder, progress: Progress) -> Image:
    """Lock for every platform, and write nothing.

    Raises:
        NoResolution: nothing fits a platform, or what the base holds.
        UsageError: there is no such base, or a file that would be written
            over is not envlock's, or has been edited.
        WorkError: an index or the engine failed.
    """
    before = seen(_files(order))
    _refuse_foreign(order)
    frozen = _frozen(order)
    pieces = bundled_pieces(order)
    for machine in _bounded(order, frozen) if not order.locks else ():
        liked = (
            pieces[0].pins if pieces else {}
        )  # the same versions on every platform, if it can be
        job = replace(machine.job, preferences=liked)
        pieces.append(_piece(order, replace(machine, job=job), frozen, progress))
    return replace(assemble(order, pieces, frozen), before=before)


def write(image: Image) -> tuple[Path, ...]:
    """Write the files that differ from what is there; return those.

    Raises:
        WorkError: they cannot be written, or were changed by somebody else
            since they were read; then none has changed.
    """
    refuse_changed(image.before, image.texts)
    changed = differing(image.texts)
    made = list(_missing(path.parent for path in changed))
    try:
        for path in changed:
            make_folder(path.parent)
        write_texts(changed, users=True)
    except BaseException:
        for folder in made:
            remove_tree(folder)
        raise
    return tuple(changed)


def _missing(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that have to be made, each by its topmost that is not there."""
    for folder in folders:
        lacking = [each for each in (folder, *folder.parents) if not each.exists()]
        yield from lacking[-1:]


def check_image(order: DockerOrder) -> tuple[str, ...]:
    """Return everything that keeps the files from being current; () for nothing.

    Nothing is solved, fetched or written.

    Raises:
        UsageError: a file cannot be read, or there is no such base.
    """
    frozen, found = _frozen(order), list[str]()
    if order.locks:
        pieces = bundled_pieces(order)
    else:
        machines = _bounded(order, frozen)
        found += (str(each) for machine in machines for each in check_lock(machine.job, Silent()))
        if not all(machine.path.exists() for machine in machines):
            return tuple(found)
        pieces = [*map(_there, machines)]
    for path, text in assemble(order, pieces, frozen).texts.items():
        if not path.exists():
            found.append(f"{path}: there is no such file")
        elif read_text(path).replace("\r\n", "\n") != text.replace("\r\n", "\n"):
            found.append(f"{path}: it is not what this command writes for the lock")
    return tuple(found)


def _there(machine: Machine) -> Piece:
    """The lock of a machine as it is on disk."""
    text = read_text(machine.path)
    lock = read_lock(machine.path.name, text)
    return Piece(machine=machine, target=machine.job.target(), lock=lock, text=text)


def _frozen(order: DockerOrder) -> Frozen | None:
    if order.freeze is None:
        return None
    return parse_freeze(order.freeze.as_posix(), read_text(order.freeze))


def _bounded(order: DockerOrder, frozen: Frozen | None) -> tuple[Machine, ...]:
    """The machines, their locks held to what is in the base."""
    if frozen is None:
        return order.machines
    return tuple(
        replace(machine, job=replace(machine.job, request=replace(request, constraints=bounds)))
        for machine in order.machines
        for request in [machine.job.request]
        for bounds in [(*request.constraints, *frozen.constraints)]
    )


def _piece(
    order: DockerOrder, machine: Machine, frozen: Frozen | None, progress: Progress
) -> Piece:
    """Lock for one machine; what does not fit is told with its platform and with a way on."""
    try:
        locked = make_lock(machine.job, progress, beside=_files(order))
    except NoResolution as error:
        named = f"linux/{machine.name}: " if len(order.machines) > 1 else ""
        message = "\n".join((f"{named}{error.message}", *_on_arm(machine)))
        ways = _ways(order, machine, error.remedies)
        raise NoResolution(message, *ways).telling(**error.details) from error
    goal = machine.job.target()
    if not locked.texts:  # what is there is current
        text = read_text(machine.path)
        return Piece(machine=machine, target=goal, lock=locked.lock, text=text)
    lock = locked.lock
    if order.verify:  # the build proves it
        told = unproved(goal)
        lock = replace(lock, notes=tuple(note for note in lock.notes if note not in told))
    if frozen is not None:
        _refuse_clash(machine, lock, goal, frozen)
    (text,) = texts_of(lock, Format.REQUIREMENTS).values()
    return Piece(machine=machine, target=goal, lock=lock, text=text)


def _on_arm(machine: Machine) -> Iterator[str]:
    """Which framework there is for linux/arm64, when it is asked for there."""
    wishes = [canonicalize_name(each.requirement.name) for each in machine.job.request.requirements]
    found = next(filter(None, map(framework_of, wishes)), None)
    if machine.name == "arm64" and found is not None:
        goal = machine.job.target()
        there = wheels_for(goal.minor, goal.platform, found.name)
        more = found.machines.get(str(goal.platform), "")
        text = f"{there}; {more}" if more else str(there)
        yield from (f"  {line}" for line in text.splitlines())


def _ways(order: DockerOrder, machine: Machine, remedies: Iterable[str]) -> Iterator[str]:
    """The ways out of a lock that cannot be, as ways out for its image."""
    machines = [each.name for each in order.machines]
    platforms = f"--platform {','.join(f'linux/{machine}' for machine in machines)} "
    own = re.compile(r"--platform \S+ ")
    for remedy in remedies:
        if remedy.startswith("envlock docker "):
            options = shlex.join(order.options)
            yield f"{own.sub(platforms, remedy, count=1)} {options}".rstrip()
        else:
            yield remedy
    others = [f"linux/{each}" for each in machines if each != machine.name]
    if others:
        yield f"leave linux/{machine.name} out: --platform {','.join(others)}"
    if order.freeze is not None:
        yield _OWN_COPY


def _refuse_clash(machine: Machine, lock: Lock, target: Target, frozen: Frozen) -> None:
    """Refuse a lock that breaks a rule together with what else is in the base."""
    rules = database.load(machine.job.rules).rules
    own = lock.part.pins
    situation = Situation.of(target)
    alone = {each.rule.id for each in violations(rules, own, situation)}
    for each in violations(rules, {**frozen.pins, **own}, situation):
        if each.rule.severity is Severity.BREAKS and each.rule.id not in alone:
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in each.packages.items())
            raise NoResolution(
                f"beside what {frozen.name} says is in the base, the lock breaks rule"
                f" {each.rule.id} ({seen}): {each.rule.because}",
                _OWN_COPY,
            )


def _files(order: DockerOrder) -> tuple[Path, ...]:
    """What is written: the locks, the Dockerfile and what its build reads."""
    names = [DOCKERFILE, IGNORE, *(f"{SCRIPTS}/{name}" for name in scripts() if order.verify)]
    return (*(machine.path for machine in order.machines), *(order.folder / name for name in names))


def _refuse_foreign(order: DockerOrder) -> None:
    """Refuse to write over a file of somebody else's, or over lines that were added to ours."""
    elsewhere = f"-o {shlex.quote((order.folder / 'image').as_posix())}"
    locks = [machine.path for machine in order.machines]
    refuse_irregular(_files(order))
    for path in _files(order):
        if not path.exists():
            continue
        text = read_text(path)
        if not is_own(text):
            raise UsageError(
                f"{path} is there, and envlock docker did not write it; it is left as it is",
                elsewhere,
            )
        if path not in locks and is_edited(text):
            raise UsageError(
                f"{path} was changed after envlock wrote it; it is left as it is",
                "put your lines into a Dockerfile of your own that starts FROM this image,"
                f" and delete {path}",
                elsewhere,
            )
