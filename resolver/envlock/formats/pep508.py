"""One requirement as text → `Requirement`, or a `UsageError` in words. Pure.

Every requirement on a release comes in through `parse_requirement`, wherever it
was written, so that none can carry an option, a place or a line break to a
solver. Where a place may be named too, `envlock.formats.direct` reads it.
"""

from __future__ import annotations

import re
import unicodedata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    NormalizedName,
    canonicalize_name,
    is_normalized_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.faults import safe, shown

_EXAMPLE = 'write it like "numpy>=1.22,<2" or "numpy==1.22.*"'
_VARIABLE = re.compile(r"\$\{[A-Za-z0-9_]+\}")
_OPTION = re.compile(r"(?:^|\s)(-\S*)")
_TYPED = re.compile(
    r"-[rcif]\b|--(?:requirement|constraint|(?:extra-)?index-url|find-links|no-index|trusted-host)\b"
)
_INTERPRETER = re.compile(r"python(?:[\s=<>~!]+(\d[\d.]*)\S*)?", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"\S+\.txt|(?:\S*[/\\])?requirements\S*\.in|(?:\S*[/\\])?pyproject\.toml", re.IGNORECASE
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|^file:", re.IGNORECASE)
_VERSION_CONTROL = re.compile(r"\b(?:git|hg|svn|bzr)\+|\bgit@|\bgit://", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tgz|tar(?:\.\w+)?)$", re.IGNORECASE)
_FOLDER = re.compile(r"[.~/\\]|[A-Za-z]:[/\\]|[\w.-]+[/\\]")
_NAMED = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*@|[#&]egg=([A-Za-z0-9][\w.-]*)")
_PLACE = re.compile(
    r"(?:^|[\s@])((?:[a-z][a-z0-9+.-]*:/+|[./~\\]|[A-Za-z]:[\\/])\S+)", re.IGNORECASE
)
_AT = re.compile(r"^[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*")
#: What helps where conda has put its build folders in the place of versions.
FROM_CONDA = (
    "pip list --format=freeze gives versions where pip freeze gives conda's build folders",
)


def parse_requirement(text: str) -> Requirement:
    """Parse one PEP 508 requirement on a package of an index.

    Raises:
        UsageError: it is malformed, holds an option, a variable or a character
            that cannot be seen, or names a file, an address or the interpreter.
    """
    text = text.strip(" \t")
    refuse_unreadable(text)
    _refuse_smuggled(text)
    _refuse_places(text)
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:  # packaging before 26.4 has no depth
        raise _malformed(text, error) from None
    if requirement.url is not None:
        raise _hint(text, text.index("@") + 1) or _address_fault(text)
    if canonicalize_name(requirement.name) == "python":
        raise _interpreter(text)
    if requirement.marker is not None and standards.requirement(text) is None:
        raise UsageError(
            f"{shown(text)} is not a requirement: its marker holds a backslash or a quote, and"
            " would read otherwise when it is written again",
            _suggest(text.partition(";")[0].strip()),
        )
    return requirement


def _malformed(text: str, error: InvalidRequirement | RecursionError) -> UsageError:
    """Say in words what packaging found wrong, and where.

    Its text is the reason, then the requirement and a caret below the first
    character that does not fit, both indented by four; or the reason alone.
    """
    if _INTERPRETER.fullmatch(text):
        return _interpreter(text)
    if isinstance(error, RecursionError) or "nested more than" in str(error):
        return UsageError(
            f"{shown(text)} is not a requirement: its parentheses are nested too deeply", _EXAMPLE
        )
    reason, *_, caret = (*str(error).splitlines(), "")[:3]
    position = caret.index("^") - 3 if "^" in caret else 1
    why = reason[:1].lower() + reason[1:]
    return _hint(text, position) or UsageError(
        f"{shown(text)} is not a requirement: {why} at character {position}", _EXAMPLE
    )


def refuse_long(text: str) -> None:
    """Refuse a text that is longer than any requirement.

    Raises:
        UsageError: it is.
    """
    if len(text) > standards.LONGEST:
        raise UsageError(
            f"{shown(text)} is not a requirement: it has {len(text)} characters", _EXAMPLE
        )


def is_malformed(text: str) -> bool:
    """Whether a text is no PEP 508 requirement, whatever it asks for."""
    return standards.requirement(text) is None


def meaning(text: str) -> tuple[str, str] | None:
    """Return `plainly` of a text: the requirement that it may mean, and why it is none."""
    from envlock.formats.hints import (  # noqa: PLC0415  (3 ms of patterns, only errors hint)
        plainly,
    )

    return plainly(text)


def _hint(text: str, position: int) -> UsageError | None:
    meant = meaning(text)
    if meant is None:
        return None
    plain, why = meant
    return UsageError(
        f"{shown(text)} is not a requirement: {why} (character {position})", _suggest(plain)
    )


def _suggest(text: str) -> str:
    """Return a remedy: this text if it would be taken, or else the form it has."""
    try:
        parse_requirement(text)
    except UsageError:
        return _EXAMPLE
    return f"write {shown(text)}"


def refuse_unreadable(text: str) -> None:
    """Refuse a text with nothing in it, too much, or what cannot be seen.

    Raises:
        UsageError: it is such a text.
    """
    if not text:
        raise UsageError('"" is not a requirement: it is empty', _EXAMPLE)
    refuse_long(text)
    for position, character in enumerate(text, 1):
        if not character.isprintable() and character != "\t":
            name = unicodedata.name(character, "a control character")
            seen = "".join(c if c.isprintable() else " " * c.isspace() for c in text)
            raise UsageError(
                f"{shown(text)} is not a requirement:"
                f" character {position} is U+{ord(character):04X} ({name})",
                _suggest(seen.strip()),
            )


def _refuse_smuggled(text: str) -> None:
    option = _OPTION.search(text)
    if option is not None and option.start() == 0:
        raise UsageError(
            f"{shown(text)} is an option, not a requirement",
            f"type it as words of its own: {safe(text)}" if _TYPED.match(text) else "leave it out",
        )
    if option is not None:
        raise UsageError(
            f"{shown(text)} carries the option {shown(option[1])}:"
            " a requirement passes none to pip",
            _suggest(text[: option.start()].strip()),
        )
    refuse_variable(text)


def refuse_variable(text: str) -> None:
    """Refuse what would have the value of a variable of the environment in its place.

    Raises:
        UsageError: it holds ``${NAME}``.
    """
    variable = _VARIABLE.search(text)
    if variable is not None:
        raise UsageError(
            f"{shown(text)} holds {variable[0]}:"
            " envlock puts no environment variable in the place of ${…}",
            f"write the value of {variable[0]} out",
        )


def _interpreter(text: str) -> UsageError:
    version = _INTERPRETER.fullmatch(text.partition(";")[0].strip())
    wanted = (version and version[1]) or "3.11"
    return UsageError(
        f"{shown(text)} asks for the interpreter, which is not a package",
        f"leave it out and choose the interpreter with --python {wanted}",
    )


def _refuse_places(text: str) -> None:
    head = text.partition(";")[0].strip()
    if _FILE_NAME.fullmatch(head) and not _ADDRESS.search(head):
        raise UsageError(
            f"{shown(head)} is the name of a file, not of a package",
            f"did you mean -r {safe(head)}",
        )
    if _VERSION_CONTROL.search(head):
        raise UsageError(
            f"{shown(head)} is a version control address: no hash can pin what it will hold",
            _named(head),
        )
    if _ADDRESS.search(head) or _ARCHIVE.search(head):
        raise _address_fault(head)
    if _FOLDER.match(head):
        raise folder_fault(head, f"{shown(head)} is a folder")


def names_place(text: str) -> bool:
    """Whether a text is meant as the place of a package, and not as the name of a file of them."""
    head = text.partition(";")[0].strip()
    if _OPTION.search(head) or (_FILE_NAME.fullmatch(head) and not _ADDRESS.search(head)):
        return False
    spots = (_VERSION_CONTROL, _ADDRESS, _ARCHIVE)
    return any(each.search(head) for each in spots) or bool(_FOLDER.match(_AT.sub("", head)))


def is_place(text: str) -> bool:
    """Whether a requirement names a place: an address or a path."""
    return _PLACE.search(text.partition(";")[0]) is not None


def folder_fault(place: str, message: str) -> UsageError:
    """Return the refusal of a folder with a project, with how to lock what it needs."""
    folder = place.partition("[")[0].replace("\\", "/").rstrip("/") or "."
    return UsageError(
        f"{message}: no hash can pin what it will hold",
        f"lock what it needs with -r {shown(f'{folder}/pyproject.toml')}",
        f"install it after the lock: pip install --no-deps {shown(folder)}",
    )


def _address_fault(text: str) -> UsageError:
    """The refusal of a file given by its address, with the release it is."""
    head = text.partition(";")[0].strip()
    message = f"{shown(head)} is a place, not a release: a lock pins what an index lists"
    name, version = release_at(head)
    if version is None:
        return UsageError(message, _named(head), *(FROM_CONDA if "file:" in head else ()))
    folder = _place(re.sub(r"^[^:/\\]*@\s*", "", head)).rpartition("/")[0]
    return UsageError(
        message,
        f"write {shown(f'{name}=={version}')}",
        f"add the folder it is in: --find-links {shown(folder or '.')}",
    )


def release_at(text: str) -> tuple[NormalizedName | None, Version | None]:
    """Return the name and version that a file name, address or direct reference tells."""
    head = text.partition(" ;")[0].strip()
    named = _NAMED.search(head)
    address = _PLACE.search(head)
    filename = _place(address[1] if address else head).rpartition("/")[2]
    own = canonicalize_name(named[1] or named[2]) if named else ""
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except ValueError:  # of packaging: a name or version that is none, or has too many digits
        return (NormalizedName(own) if is_normalized_name(own) else None), None
    told = NormalizedName(own if is_normalized_name(own) else name)
    return (told, version) if is_normalized_name(told) else (None, None)


def _place(address: str) -> str:
    """An address without its query and fragment, as a path."""
    plain = address.partition("#")[0].partition("?")[0]
    return re.sub(r"%2[bB]", "+", plain.replace("\\", "/").rstrip("/"))


def _named(head: str) -> str:
    """The remedy of a place: the package it says it is, from an index."""
    named = _NAMED.search(head)
    if named is None:
        return "name a release of the package instead"
    return f"write {shown(named[1] or named[2])}"
