"""The summary of a step of a GitHub workflow, where a command runs in one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from envlock.cli.output import talk
from envlock.errors import WorkError
from envlock.index.secrets import redact
from envlock.system import append_text
from envlock.words import visible

_SUMMARY = "GITHUB_STEP_SUMMARY"
_FENCE = re.compile(r"`{3,}")


def summarize(title: str, *texts: str) -> None:
    """Add a heading and texts, each as it is, to the summary of the step, where there is one."""
    path = os.environ.get(_SUMMARY)
    if not path:
        return
    lines = [f"### {title}", ""]
    for text in filter(None, texts):
        shown = visible(redact(text, certain=True))
        longest = max((len(each) for each in _FENCE.findall(shown)), default=2)
        fence = "`" * (longest + 1)
        lines += [fence, shown, fence, ""]
    try:
        append_text(Path(path), "\n".join(lines) + "\n")
    except WorkError as error:
        talk(f"the summary of the step is not written: {error.message}")
