"""Annotations as a runner of GitHub reads them, and the summary of a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.cli.github import Annotation, AnnotationLevel, annotate, asked_for
from envlock.commands.summary import summarize


def test_an_annotation_is_one_command_whatever_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))
    annotate(
        [
            Annotation(message="100%\r\n::error::no: a,b", file=Path("a,b:c.txt"), line=3),
            Annotation(message="x", level=AnnotationLevel.WARNING, title="envlock: r, s"),
            Annotation(message="y", file=Path("/elsewhere.txt"), level=AnnotationLevel.NOTICE),
        ]
    )
    place = tmp_path.name
    assert capsys.readouterr().out.splitlines() == [
        f"::error file={place}/a%2Cb%3Ac.txt,line=3,title=envlock::100%25%0D%0A::error::no: a,b",
        "::warning title=envlock%3A r%2C s::x",
        "::notice file=/elsewhere.txt,title=envlock::y",
    ]


def test_a_summary_is_added_to_the_file_of_the_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    summarize("nowhere", "x")
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    summarize("envlock", "one\n````\n<b>two</b>", "", "three")
    assert path.read_text() == (
        "before\n### envlock\n\n`````\none\n````\n<b>two</b>\n`````\n\n```\nthree\n```\n\n"
    )
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    summarize("envlock")
    assert capsys.readouterr().err.startswith("the summary of the step is not written: cannot")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (("lock", "--check", "--format", "github"), True),
        (("diagnose", "--format=github"), True),
        (("lock", "--format", "pylock", "github"), False),
        ((), False),
    ],
)
def test_whether_annotations_were_asked_for(typed: tuple[str, ...], *, asked: bool) -> None:
    assert asked_for(typed) is asked
