"""What a workflow of GitHub shows of `envlock diagnose`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from envlock.cli.github import Annotation, AnnotationLevel, annotate
from envlock.cli.output import say
from envlock.commands.summary import summarize
from envlock.diagnose import report, troubled
from envlock.errors import EnvlockError
from envlock.findings import Finding
from envlock.formats.places import pinned_at
from envlock.formats.reading import read_lenient
from envlock.system.looking import is_file


def tell_diagnosis(what: Iterable[str], findings: Sequence[Finding]) -> None:
    """Print findings as annotations, at the lines that name their packages, and summarize them."""
    texts = _texts(what)
    annotate(_annotation(each, texts) for each in findings)
    said = f"{len(findings)} found" if findings else "nothing is wrong by what envlock knows"
    say(said)
    summarize(f"envlock diagnose: {said}", report.findings_text(findings))


def _texts(what: Iterable[str]) -> dict[Path, str]:
    """The files that were examined."""
    texts: dict[Path, str] = {}
    for path in (Path(each) for each in what if "\n" not in each):
        with suppress(EnvlockError, OSError):
            if is_file(path):
                texts[path], _ = read_lenient(path)
    return texts


def _annotation(finding: Finding, texts: dict[Path, str]) -> Annotation:
    ways = [f"try: {report.remedy_text(each)}" for each in finding.remedies[:1]]
    file, line = next(iter(texts), None), 0
    if finding.places and is_file(Path(finding.places[0].where)):
        file, line = Path(finding.places[0].where), finding.places[0].line
        texts = {}
    for path, text in texts.items():
        for name in reversed([*finding.packages]):
            line = line or pinned_at(text, name)
        if line:
            file = path
            break
    return Annotation(
        message="\n".join((finding.title, finding.because, *ways)),
        title=f"envlock: {finding.id}",
        level=AnnotationLevel.ERROR if troubled([finding]) else AnnotationLevel.WARNING,
        file=file,
        line=line,
    )
