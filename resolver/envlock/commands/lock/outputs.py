"""Which files a lock is written to, and in which formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envlock.choices import STANDARD_OUTPUT, Format
from envlock.cli.options import LockFileOptions, RequestOptions
from envlock.errors import UsageError
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import LOCKS, beside, format_of, refuse_unfit
from envlock.system import refuse_irregular


def output_files(
    request: RequestOptions,
    files: LockFileOptions,
    places: Sequence[str],
    *,
    usual: Format = Format.REQUIREMENTS,
    of_conda: bool = False,
    apart: bool = False,
    together: bool = False,
) -> dict[Path, Format]:
    """Return the files to write with their formats, in the order of ``places``.

    ``usual`` is the format where none is asked for, ``places`` are the
    platforms of the lock, ``apart`` says that its files are named after them
    though there be one, and ``together`` that a file may hold all of them by
    markers. Of pip's packages ``-o`` may name one file for each platform.

    Raises:
        UsageError: a name says another format, is an input, or is in no
            folder, or a format does not hold what is locked.
    """
    kinds = _formats(files, usual)
    told = None if files.output is None else format_of(files.output)
    for kind in kinds if told is None else (*kinds, told):
        refuse_unfit(kind, of_conda=of_conda)
    if files.output is not None and files.output != STANDARD_OUTPUT:
        kinds = (format_for(files.output, kinds if files.format else (), usual),)
    inputs = {path.resolve() for path in (*request.requirement_file, *request.constraint_file)}
    named = [
        (kind, Path(name))
        for kind in kinds
        for name in LOCKS[kind].names(places, apart=apart, together=together)
    ]
    outputs = _outputs(files.output, places, len(named), of_conda=of_conda)
    found: dict[Path, Format] = {}
    for (kind, plain), output in zip(named, outputs, strict=True):
        path = output or (beside(plain) if plain.resolve() in inputs else plain)
        if path != STANDARD_OUTPUT:
            check_folder(path)
        if path.resolve() in inputs:
            free = beside(Path(LOCKS[kind].filename))
            raise UsageError(f"{path} is an input; the lock would overwrite it", f"-o {free}")
        found[path] = kind
    return found


def _outputs(
    output: Path | None, places: Sequence[str], count: int, *, of_conda: bool
) -> Sequence[Path | None]:
    """The file that ``-o`` names, or one for each platform that is named after it."""
    if output is None or count == 1:
        return [output] * count
    if output == STANDARD_OUTPUT:
        raise UsageError("-o - prints one lock, and several are asked for", "leave -o out")
    if of_conda:
        raise UsageError(
            f"-o {output} names one file, and there is one for each platform", "leave -o out"
        )
    return [Path(for_platform(output, place)) for place in places]


def _formats(files: LockFileOptions, usual: Format) -> tuple[Format, ...]:
    kinds = tuple(dict.fromkeys(files.format))
    if files.output == STANDARD_OUTPUT:
        return (printed_format(kinds, usual),)
    return kinds or (usual,)


def printed_format(formats: tuple[Format, ...], usual: Format = Format.REQUIREMENTS) -> Format:
    """Return the format of a lock that goes to standard output.

    Raises:
        UsageError: it would be more than one.
    """
    if len(formats) > 1:
        raise UsageError("-o - prints one lock, and several are asked for", "leave -o out")
    return formats[0] if formats else usual


def check_folder(path: Path) -> None:
    """Make sure that there is a folder for a file, and nothing else in the file's place.

    Raises:
        UsageError: there is none, or a pipe, a device, a circle of links.
    """
    refuse_irregular((path,))
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}", f"mkdir {path.parent}")


def format_for(
    path: Path, formats: tuple[Format, ...], usual: Format = Format.REQUIREMENTS
) -> Format:
    """Return the format of the file that ``-o`` names; ``usual`` is the one to suggest.

    Raises:
        UsageError: its name does not say so, and it would not be found again.
    """
    if len(formats) > 1:
        raise UsageError("-o names one file, and several formats are asked for", "leave -o out")
    told = format_of(path)
    kind = formats[0] if formats else told
    if kind is None or kind is not told:
        wanted = kind or usual
        raise UsageError(
            f"{path} is not a name for the format {wanted}: "
            "a lock is named NAME.txt or requirements.lock (requirements), pylock.toml or "
            "pylock.NAME.toml (pylock), NAME.yml (environment), conda-PLATFORM.lock (explicit), "
            "conda-lock.yml (conda-lock), pixi.lock (pixi)",
            f"-o {LOCKS[wanted].filename}",
        )
    return kind
