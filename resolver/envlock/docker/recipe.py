"""The files of an image: Dockerfile, .dockerignore and the scripts of its verify stage.

Every file but a lock starts with two lines: the command that makes it again,
and the digest of the rest, which tells whether somebody has edited it.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from envlock.choices import PROBE_SECONDS
from envlock.docker.bases import Base, comment, quoted

DOCKERFILE, IGNORE = "Dockerfile", ".dockerignore"
#: The folder of the scripts that only the verify stage copies.
SCRIPTS = "envlock-verify"
GATE = "gate.py"
#: The folder of what source distributions are built with.
BUILDS = "envlock-build"
_MENDER = "mend_wheel.py"
_MADE_BY = "# made by: envlock docker"
_DIGEST = "# text: sha256:"
_ID = 10001  # user and group: above those of Debian's own packages
#: What a build calls the wheels of a bundle, which are a context of their own.
_WHEELS = "envlock-wheels"
_FROM_WHEELS = f"--mount=type=bind,from={_WHEELS},target=/opt/wheels"
_PIP_CONFIG = "--mount=type=secret,id=pip.conf,target=/etc/pip.conf"


class LockFile(Struct, frozen=True, kw_only=True):
    """A lock beside the Dockerfile, for one of Docker's machines (``amd64``, ``arm64``)."""

    name: str
    machine: str
    digest: str


class Check(Struct, frozen=True, kw_only=True):
    """A probe that the build runs: its script, the levels it must pass, and its others."""

    script: str
    gate: tuple[str, ...]
    others: tuple[str, ...] = ()


class BuildStep(Struct, frozen=True, kw_only=True):
    """A source distribution that the image builds as its lock says it was built.

    ``pin`` is its requirement with hashes; ``tools`` are ``name==version``,
    ``mended`` the lines that its mender reads, none for most.
    """

    name: str
    pin: str
    tools: tuple[str, ...]
    mended: tuple[str, ...] = ()


class Recipe(Struct, frozen=True, kw_only=True):
    """All that an image is made from.

    ``shared`` says that the base's own packages are used; ``gpu`` that the
    image is for NVIDIA's container runtime. ``command`` makes the files again.
    ``wheels`` is a folder from which alone is installed, "" for an index.
    ``builds`` are built first, with the script ``mender`` where metadata are mended.
    ``variables`` are what the environment sets.
    """

    base: Base
    python: str
    locks: tuple[LockFile, ...]
    checks: tuple[Check, ...] = ()
    labels: Mapping[str, str]
    command: str
    variables: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    gpu: bool = False
    wheels: str = ""
    builds: tuple[BuildStep, ...] = ()
    mender: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that ``docker build`` needs."""
        held = ("--build-context", f"{_WHEELS}={self.wheels}") if self.wheels else ()
        return ("--platform", self.platforms, *held)

    @property
    def platforms(self) -> str:
        """What ``docker build --platform`` takes."""
        return ",".join(f"linux/{lock.machine}" for lock in self.locks)


def texts(recipe: Recipe, scripts: Mapping[str, str]) -> dict[str, str]:
    """Return file name → text; ``scripts`` are those of the verify stage, by name."""
    bodies = {DOCKERFILE: _dockerfile(recipe), IGNORE: _ignore(recipe)}
    if recipe.checks:
        bodies |= {f"{SCRIPTS}/{name}": text for name, text in scripts.items()}
    bodies |= dict(_build_files(recipe))
    return {name: _signed(body, recipe.command) for name, body in bodies.items()}


def _signed(body: str, command: str) -> str:
    return f"{comment(f'made by: {command}')}\n{_DIGEST}{_sha256(body)}\n{body}"


def is_own(text: str) -> bool:
    """Whether `texts` made a file, whoever has edited it since."""
    return text.startswith(_MADE_BY)


def is_edited(text: str) -> bool:
    """Whether a file that `texts` made is not as it was made."""
    _, _, rest = text.replace("\r\n", "\n").partition("\n")
    line, _, body = rest.partition("\n")
    return line != f"{_DIGEST}{_sha256(body)}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _dockerfile(recipe: Recipe) -> str:
    stages = [_base(recipe), _build(recipe), _runtime(recipe)]
    if recipe.checks:
        stages.append(_verify(recipe))
    stages.append(_final(recipe))
    return "\n".join(line for stage in stages for line in (*stage, ""))


def _base(recipe: Recipe) -> Iterator[str]:
    locks = " and ".join(lock.name for lock in recipe.locks)
    yield f"# An image with the packages of {locks}, for a user that is not root:"
    folder = "FOLDER" if recipe.wheels else "."
    build = comment(f"docker build {shlex.join(recipe.options)} --tag NAME {folder}")
    yield build.replace("# ", "#   ", 1)
    if recipe.wheels:
        yield "# All packages come from that folder, the wheels of a bundle; it is in no layer."
    else:
        yield "# Another index, or credentials for one, are read from a pip.conf of yours in the"
        yield "# build, and do not stay in the image: --secret id=pip.conf,src=pip.conf"
    if not recipe.base.image.digest:
        yield "# The tag of the base may move; with --base-digest it is held by its digest too."
    yield ""
    yield f"FROM {recipe.base.image} AS base"
    if recipe.base.named:
        yield "# The base may have a user of its own; the image gets one below."
        yield "# hadolint ignore=DL3002"
        yield "USER 0:0"
    if recipe.base.packages:
        yield "# The base, held by its tag or digest, settles which versions there are."
        yield "# hadolint ignore=DL3008"
        yield "RUN apt-get update \\"
        packages = " ".join(recipe.base.packages)
        yield f"    && apt-get install --yes --no-install-recommends {packages} \\"
        yield "    && rm -rf /var/lib/apt/lists/*"


def _build(recipe: Recipe) -> Iterator[str]:
    several = len(recipe.locks) > 1
    yield "FROM base AS build"
    if several:
        yield "ARG TARGETARCH"
    yield from _environment(recipe)
    yield from _sources(recipe)
    yield f"COPY {' '.join(lock.name for lock in recipe.locks)} /opt/envlock/"
    lock = '"requirements.${TARGETARCH}.lock"' if several else recipe.locks[0].name
    yield "WORKDIR /opt/envlock"
    if recipe.wheels:
        yield f"RUN {_FROM_WHEELS} \\"
    else:
        yield "RUN --mount=type=cache,target=/root/.cache/pip \\"
        yield f"    {_PIP_CONFIG} \\"
    yield "    /opt/venv/bin/python -m pip install --disable-pip-version-check --no-deps \\"
    if recipe.wheels:
        yield "    --no-cache-dir --no-index --find-links /opt/wheels \\"
    yield f"    --require-hashes --requirement {lock} \\"
    yield "    && /opt/venv/bin/python -m pip uninstall --yes --quiet pip"


def _build_files(recipe: Recipe) -> Iterator[tuple[str, str]]:
    for step in recipe.builds:
        yield f"{BUILDS}/{step.name}.txt", f"{step.pin}\n"
        yield f"{BUILDS}/{step.name}.tools.txt", "".join(f"{each}\n" for each in step.tools)
        if step.mended:
            yield f"{BUILDS}/{step.name}.mended.txt", "".join(f"{e}\n" for e in step.mended)
    if any(step.mended for step in recipe.builds):
        yield f"{BUILDS}/{_MENDER}", recipe.mender


def _sources(recipe: Recipe) -> Iterator[str]:
    """Build what has no wheel as the lock says: in an environment of its own, before the rest.

    The pip is the last that takes metadata which are still to be mended.
    """
    if not recipe.builds:
        return
    folder, python = f"/opt/envlock/{BUILDS}", "/opt/builder/bin/python"
    pip = "pip==21.3.1" if recipe.python == "3.6" else "pip==24.0"
    yield "# What has no wheel is built of its source with the tools that the lock names."
    yield f"COPY {BUILDS} {folder}"
    yield f"RUN {_PIP_CONFIG} python3 -m venv /opt/builder \\"
    yield f"    && {python} -m pip install --disable-pip-version-check --no-cache-dir {pip}"
    for step in recipe.builds:
        tools, built = f"{folder}/{step.name}.tools.txt", f"/opt/built/{step.name}"
        yield f"RUN {_PIP_CONFIG} \\"
        yield f"    {python} -m pip install --disable-pip-version-check --no-cache-dir \\"
        yield f"    --no-deps --requirement {tools} \\"
        yield f"    && {python} -m pip wheel --disable-pip-version-check --no-cache-dir \\"
        yield f"    --use-pep517 --no-build-isolation --no-deps --no-binary {step.name} \\"
        yield f"    --wheel-dir {built} \\"
        yield f"    --require-hashes --requirement {folder}/{step.name}.txt \\"
        if step.mended:
            mended = f"{folder}/{step.name}.mended.txt"
            yield f"    && {python} {folder}/{_MENDER} {built}/*.whl {mended} \\"
        yield "    && /opt/venv/bin/python -m pip install --disable-pip-version-check --no-deps \\"
        yield f"    --no-cache-dir --no-index {built}/*.whl"


def _environment(recipe: Recipe) -> Iterator[str]:
    """Make the virtual environment, unless the base is not what the lock is for."""
    python = recipe.python
    release = ", ".join(python.split("."))
    told = f"the base has Python %d.%d, the lock is for {python}"
    yield "RUN python3 -c 'import os, sys; own = sys.version_info[:2]; \\"
    yield f'    own == ({release}) or sys.exit("{told}" % own); \\'
    yield '    os.path.exists("/opt/venv") and sys.exit("the base has its own /opt/venv")\' \\'
    # pip as it comes with Python 3.6 is too old to know the wheels of its time.
    if recipe.shared or python == "3.6":
        pip = "/opt/venv/bin/python -m pip --version || /opt/venv/bin/python -m ensurepip"
        yield "    && python3 -m venv --system-site-packages --without-pip /opt/venv \\"
        yield f"    && {{ {pip}; }}"
    else:
        yield "    && python3 -m venv /opt/venv"


def _runtime(recipe: Recipe) -> Iterator[str]:
    yield "FROM base AS runtime"
    yield f"RUN groupadd --gid {_ID} app \\"
    yield f"    && useradd --uid {_ID} --gid app --no-log-init --create-home app"
    yield "COPY --from=build /opt/venv /opt/venv"
    # Bytecode is there, and nobody may write more of it; what is printed is seen at once.
    yield "ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"
    if recipe.gpu:
        yield "ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility"
    for name, value in sorted(recipe.variables.items()):
        yield f"ENV {name}={quoted(value)}"
    yield "# By number, so that Kubernetes can tell that it is not root."
    yield f"USER {_ID}:{_ID}"
    yield "WORKDIR /home/app"


def _verify(recipe: Recipe) -> Iterator[str]:
    yield "# What follows is tried in the image as it will be; the build stops where it fails."
    yield "FROM runtime AS verify"
    yield f"COPY {SCRIPTS} /opt/envlock/{SCRIPTS}"
    for check in recipe.checks:
        gate = f"/opt/envlock/{SCRIPTS}/{GATE}"
        yield f"RUN python -I -B {gate} proof {PROBE_SECONDS} {check.script} \\"
        yield f"    {','.join(check.gate)} {','.join(check.others)}".rstrip()


def _final(recipe: Recipe) -> Iterator[str]:
    yield "FROM runtime"
    if recipe.checks:
        yield "COPY --from=verify /home/app/proof /opt/envlock/proof"
    labels = _labels(recipe)
    for number, (key, value) in enumerate(labels.items()):
        start = "     " if number else "LABEL"
        yield f"{start} {key}={quoted(value)}" + (" \\" if number < len(labels) - 1 else "")


def _labels(recipe: Recipe) -> dict[str, str]:
    """The user's labels after envlock's, which they replace."""
    image = recipe.base.image
    several = len(recipe.locks) > 1
    digests = {
        f"envlock.lock.{lock.machine}" if several else "envlock.lock": lock.digest
        for lock in recipe.locks
    }
    digest = {"org.opencontainers.image.base.digest": image.digest} if image.digest else {}
    return {
        "org.opencontainers.image.base.name": image.canonical,
        **digest,
        "envlock.python": recipe.python,
        **digests,
        **recipe.labels,
    }


def _ignore(recipe: Recipe) -> str:
    """Only what the build reads is sent to it; what else lies in the folder stays there."""
    names = [lock.name for lock in recipe.locks]
    names += [SCRIPTS] if recipe.checks else []
    names += [BUILDS] if recipe.builds else []
    return "".join(f"{line}\n" for line in ("*", *(f"!{name}" for name in names)))
