"""Tells whether a lock still answers the request it was made for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.conda.channels import public, strip_channel
from envlock.index.secrets import strip_credentials
from envlock.model import CondaSpec, Recorded, Request, Requested, Selection, Target


def request_digest(request: Request, targets: Sequence[Target]) -> str:
    """Return ``sha256:`` and the hex digest of what was asked for, for one target or several.

    The order of the requirements, where they were written, spelling (case,
    spaces, quotes), repetition and credentials do not count; the patch of the
    interpreter does not either, nor whether it is at hand; a system that was
    named with its version does. ``exclude_newer`` is an aware time.
    """
    newest = request.exclude_newer
    targets = sorted(targets, key=lambda each: str(each.platform))
    lines = [
        *dict.fromkeys(f"python {each.minor}" for each in targets),
        *(f"platform {each.platform}" for each in targets),
        *dict.fromkeys(f"accelerator {request.accelerator} {t.accelerator}" for t in targets),
        f"exclude-newer {newest.astimezone(UTC).isoformat() if newest else 'nothing'}",
        *(_system(each, alone=len(targets) == 1) for each in targets if _names_system(each)),
        *(f"needs {level}" for level in sorted(set(request.needs))),
        *(f"no-imports {name}" for name in sorted(set(request.no_imports))),
        *(f"allow-build {name}" for name in sorted(set(request.allow_build))),
        *(f"option {each.partition(': ')[2]}" for each in sorted(set(request.pip_options))),
        *_canonical("requirement", request.requirements),
        *_canonical("constraint", request.constraints),
        *(line for each in sorted(request.optional) for line in _optional(each, request)),
    ]
    text = "\n".join(lines)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _optional(selection: Selection, request: Request) -> list[str]:
    """An extra or group that can be chosen, though it be empty, and what it asks for."""
    return [str(selection), *_canonical(f"of {selection}", request.optional[selection])]


def conda_digest(
    request: Request, subdirs: Iterable[str], extra: Mapping[str, str] | None = None
) -> str:
    """Return ``sha256:`` and the hex digest of what is asked for of conda and pip.

    What `request_digest` leaves out does not count here either. The order of
    the channels counts, and so do the name and the variables of the
    environment, which environment.yml holds. ``extra`` is what was said beside
    the request, such as indexes.
    """
    newest = request.exclude_newer
    beside = {
        "accelerator": request.accelerator.value,
        "exclude-newer": newest.isoformat() if newest else "nothing",
        "constraints": " ".join(sorted(str(each.requirement) for each in request.constraints)),
        "needs": " ".join(sorted(set(request.needs))),
        "no-imports": " ".join(sorted(set(request.no_imports))),
        "allow-build": " ".join(sorted(set(request.allow_build))),
        "options": " ".join(sorted({each.partition(": ")[2] for each in request.pip_options})),
        **(extra or {}),
    }
    lines = [
        *([f"name {request.name}"] if request.name else []),
        *(f"platform {subdir}" for subdir in sorted(set(subdirs))),
        *(f"channel {strip_channel(channel)}" for channel in request.channels),
        *(["nodefaults"] if request.nodefaults else []),
        *sorted({_asked(spec) for spec in request.specs}),
        *_canonical("requirement", request.requirements),
        *_canonical("constraint", request.pip_constraints),
        *(f"variable {name}={value}" for name, value in sorted(request.variables.items())),
        *(f"extra {key} {value}" for key, value in sorted(beside.items()) if value),
    ]
    text = "\n".join(lines)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def recorded(request: Request, options: Mapping[str, tuple[str, ...]]) -> Recorded:
    """Return what a lock says that it was asked for; ``options`` are settings that were typed.

    What the digest leaves out is left out, but for the place of each.
    """
    return Recorded(
        requirements=_listed(request.requirements),
        constraints=_listed((*request.constraints, *request.pip_constraints)),
        options={key: options[key] for key in sorted(options) if options[key]},
    )


def _listed(wishes: Iterable[Requested]) -> tuple[Requested, ...]:
    """Each requirement once, spelled as the digest has it, with the first place that asked."""
    found: dict[str, Requested] = {}
    for each in wishes:
        text = _spelled(each.requirement)
        found.setdefault(text, replace(each, requirement=Requirement(text)))
    return tuple(found[text] for text in sorted(found))


def _asked(spec: CondaSpec) -> str:
    place = replace(spec, channel=strip_channel(spec.channel), url=public(spec.url))
    return f"conda {place} {' '.join(spec.only)}".rstrip()


def _system(target: Target, *, alone: bool) -> str:
    of = "" if alone else f" of {target.platform}"
    return f"system {target.platform.libc}{of}"


def _names_system(target: Target) -> bool:
    return target.option not in {"", str(target.platform)}


def _canonical(kind: str, wishes: Iterable[Requested]) -> list[str]:
    return sorted({f"{kind} {_spelled(wish.requirement)}" for wish in wishes})


def _spelled(requirement: Requirement) -> str:
    spelled = Requirement(str(requirement))
    spelled.name = canonicalize_name(requirement.name)
    spelled.extras = set(map(canonicalize_name, requirement.extras))
    spelled.url = requirement.url and strip_credentials(requirement.url)
    return str(spelled)
