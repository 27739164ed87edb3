"""Installing through a conda program that is there: micromamba, mamba or conda.

It gets an explicit list, so it solves nothing: what is installed is what was locked.

What an installer writes down of each package in ``conda-meta`` holds no
credentials: an environment is copied, packed and shared.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from envlock.conda.channels import Address, hide, with_credentials
from envlock.errors import InstallFailure, WorkError
from envlock.model import CondaPackage
from envlock.progress import Progress
from envlock.system import make_folder, read_text, run, scratch, write_texts
from envlock.system.looking import on_path

_LINES_SHOWN = 15


def without_secrets(prefix: Path, channels: Iterable[Address]) -> None:
    """Put the public address of a channel wherever a prefix has the one with credentials.

    Every installer keeps the address that it fetched from; only conda itself
    takes a token out of it. An environment is copied, packed and shared.

    Raises:
        WorkError: the files cannot be written.
    """
    private = [each for each in channels if each.url != each.public]
    changed: dict[Path, str] = {}
    for file in sorted((prefix / "conda-meta").glob("*")) if private else ():
        if not file.is_file():
            continue
        text = read_text(file)
        plain = text
        for each in private:
            plain = plain.replace(each.url, each.public).replace(each.url[:-1], each.public[:-1])
        if plain != text:
            changed[file] = plain
    write_texts(changed)


def find_program(name: str) -> Path:
    """Return a conda program of PATH.

    Raises:
        WorkError: it is not there.
    """
    found = on_path(name)
    if found is None:
        raise WorkError(
            f"--manager {name}: there is no {name} on PATH",
            "--manager conda",  # py-rattler, which envlock brings itself
        )
    return found


def arguments(program: Path, prefix: Path, listed: Path) -> list[str | Path]:
    """Return the command that fills a prefix from an explicit list, asking nothing."""
    words: list[str | Path] = [program, "install", "--yes", "--prefix", prefix, "--file", listed]
    if program.name.startswith("micromamba"):
        words += ["--no-rc", "--no-env"]
    return words


def explicit_list(packages: Iterable[CondaPackage], subdir: str) -> str:
    """Return packages as the text that conda's programs install as it stands."""
    lines = (
        f"{each.url}#{each.md5 or f'sha256:{each.sha256}'}" if each.md5 or each.sha256 else each.url
        for each in packages
    )
    return "\n".join((f"# platform: {subdir}", "@EXPLICIT", *lines, ""))


def install_through(
    program: Path,
    packages: Iterable[CondaPackage],
    channels: tuple[Address, ...],
    prefix: Path,
    subdir: str,
    progress: Progress,
    *,
    inherit: int | None = None,
) -> None:
    """Make a prefix of packages with a conda program.

    ``create`` of such a program refuses a folder with something in it, or
    removes it when it fails, so this is ``install`` into an empty prefix.
    ``inherit`` is a descriptor that the program gets.

    Raises:
        InstallFailure: the program failed; its last words are told.
    """
    history = prefix / "conda-meta" / "history"  # what makes a folder a prefix
    make_folder(history.parent)
    write_texts({history: ""})
    known = [with_credentials(each, channels) for each in packages]
    with scratch() as folder:
        listed = folder / "explicit.txt"
        write_texts({listed: explicit_list(known, subdir)})
        done = run(
            arguments(program, prefix.resolve(), listed),
            on_line=lambda line: progress.detail(hide(line)),
            inherit=inherit,
        )
    if done.returncode != 0:
        said = hide(done.stderr.strip() or done.stdout.strip()).splitlines()[-_LINES_SHOWN:]
        raise InstallFailure(
            "\n".join((f"{program.name} could not make {prefix}", *(f"  {line}" for line in said)))
        )
    without_secrets(prefix, channels)
