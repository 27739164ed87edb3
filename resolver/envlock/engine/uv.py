"""uv as the engine: fast, explains conflicts, reads hashes from the index itself."""

from __future__ import annotations

import re
from pathlib import Path

from envlock.engine.files import collect, lay_out
from envlock.engine.interface import Answer, Problem, Unsatisfiable
from envlock.errors import IndexFailure, WorkError
from envlock.index.handover import uv_environment, uv_options, uv_program
from envlock.index.redact import redact
from envlock.progress import Progress
from envlock.system import run, scratch

_NO_SOLUTION = "No solution found when resolving dependencies"
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|client error|timed? ?out|Could not connect",
    re.IGNORECASE,
)


class Uv:
    """`Engine` that runs ``uv pip compile``."""

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with uv, for the target's interpreter when it is here."""
        with scratch() as folder:
            files = lay_out(problem, folder)
            command: list[str | Path] = [uv_program(), "pip", "compile", files.requirements.name]
            command += ["--output-file", files.answer.name, *_options(problem)]
            command += uv_options(problem.settings)
            done = run(
                command,
                cwd=folder,
                env=uv_environment(problem.settings),
                on_line=progress.detail,
            )
            if done.returncode == 0:
                return collect(files)
        said = redact(done.stderr)
        if _NO_SOLUTION in said or "not found in the package registry" in said:
            return Unsatisfiable(text=_sentences(said))
        if _NETWORK.search(said):
            raise IndexFailure(f"uv could not read the package index:\n{said.strip()}")
        raise WorkError(f"uv could not solve the requirements:\n{said.strip()}")


def _options(problem: Problem) -> list[str | Path]:
    target = problem.target
    options: list[str | Path] = [
        "--generate-hashes",
        "--no-header",
        "--annotation-style=split",
        "--strip-extras",
        "--color=never",
    ]
    if target.interpreter is not None:
        options += ["--python", target.interpreter]
    for name in problem.wheels_only:
        options += ["--only-binary", name]
    if problem.exclude_newer is not None:
        options += ["--exclude-newer", problem.exclude_newer.isoformat()]
    return options


def _sentences(said: str) -> str:
    """Uv's explanation without its drawing and its hints about its own flags."""
    _, _, text = said.partition(_NO_SOLUTION)
    text = (text or said).partition("hint:")[0]
    text = re.sub(
        r"^[\s:.a-z]*cause:", "", text.strip().removeprefix("when resolving dependencies")
    )
    return " ".join(text.split())
