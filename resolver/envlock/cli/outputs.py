"""Which files a lock is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from envlock.choices import OF_CONDA, STANDARD_OUTPUT, Format
from envlock.cli.options import LockFileOptions, RequestOptions
from envlock.errors import UsageError
from envlock.system import refuse_irregular
from envlock.targets.platforms import Place
from envlock.write import default_filename, for_platform, format_of

#: The lock of a ``requirements.txt`` that is the input.
_BESIDE = Path("requirements.lock")


def output_files(
    request: RequestOptions,
    files: LockFileOptions,
    formats: tuple[Format, ...],
    place: Place | None = None,
    *,
    several: bool = False,
) -> Mapping[Path, Format]:
    """Return the files to write with their formats; for a platform they are named after it.

    ``-o`` names the file itself, unless ``several`` platforms are asked for.

    Raises:
        UsageError: a name says another format, is an input, or is in no folder.
    """
    _refuse_conda((*formats, format_of(files.output) if files.output else None))
    if files.output == STANDARD_OUTPUT:
        return {files.output: printed_format(formats, several=several)}
    inputs = {path.resolve() for path in (*request.requirement_file, *request.constraint_file)}
    if files.output is not None:
        outputs = {files.output: format_for(files.output, formats)}
    else:
        outputs = {Path(default_filename(kind)): kind for kind in formats or (Format.REQUIREMENTS,)}
    if place is not None and (files.output is None or several):
        named = str(place.platform)
        outputs = {Path(for_platform(path, named)): kind for path, kind in outputs.items()}
    elif files.output is None:
        plain = Path(default_filename(Format.REQUIREMENTS))
        if plain.resolve() in inputs:
            outputs = {_BESIDE if path == plain else path: kind for path, kind in outputs.items()}
    for path in outputs:
        check_folder(path)
        if path.resolve() in inputs:
            raise UsageError(f"{path} is an input; the lock would overwrite it", f"-o {_BESIDE}")
    return outputs


def printed_format(
    formats: tuple[Format, ...], usual: Format = Format.REQUIREMENTS, *, several: bool = False
) -> Format:
    """Return the format of a lock that goes to standard output.

    Raises:
        UsageError: it would be more than one.
    """
    if several or len(formats) > 1:
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


def _refuse_conda(kinds: Iterable[Format | None]) -> None:
    for kind in kinds:
        if kind in OF_CONDA:
            raise UsageError(
                f"--format {kind} holds conda packages, and this request has none",
                "give it an environment file: -r environment.yml",
            )


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
            f"-o {default_filename(wanted)}",
        )
    return kind
