"""`envlock diagnose`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import option, words
from envlock.cli.options import RuleFolders, TalkOptions
from envlock.cli.output import Lines, say, say_json
from envlock.cli.output import talk as tell
from envlock.errors import ExitCode


class DiagnosedThings(Struct, frozen=True, kw_only=True):
    """What is examined."""

    what: Annotated[
        tuple[str, ...],
        words(
            "WHAT",
            says="An environment, a requirements file or lock, environment.yml, pip list or freeze "
            "output, a traceback or log, or an error's text in quotes; - reads standard input. "
            "Several count as one.  "
            "[default: the active environment, or .venv]",
        ),
    ] = ()
    model: Annotated[
        Path | None,
        option(
            "--model", metavar="FILE", says="Tell what loads a .h5 or .keras model; it is not run."
        ),
    ] = None
    python: Annotated[
        str | None,
        option(
            "-p", "--python", metavar="VERSION", says="The Python it is about, where nothing tells."
        ),
    ] = None
    platform: Annotated[
        str | None,
        option("--platform", metavar="SYSTEM", says="Its system: linux, macos-arm64, windows."),
    ] = None
    rules: RuleFolders = ()


def diagnose(own: DiagnosedThings, talk: TalkOptions) -> int:
    """Say what is wrong with an environment, a file or a traceback, and why; exit 1 if so."""
    from envlock.diagnose import report  # noqa: PLC0415  (--help needs none of this)
    from envlock.system import read_standard_input  # noqa: PLC0415
    from envlock.workflow import diagnose as workflow  # noqa: PLC0415

    order = workflow.DiagnoseOrder(
        what=own.what,
        stdin=read_standard_input() if workflow.STDIN in own.what else None,
        model=own.model,
        python=own.python,
        platform=own.platform,
        rules=own.rules,
    )
    found = workflow.diagnose_all(order, Lines(verbose=False))
    code = ExitCode.of(problem=found.troubled)
    if talk.json:
        content = {
            "findings": report.findings_data(found.findings),
            "examined": report.examined_data(found.examined) if found.examined else None,
            "model": report.loads_data(found.model) if found.model else None,
        }
        say_json("diagnose", content, exit_code=code)
        return code
    if found.examined is not None and not talk.quiet:
        tell("\n".join((report.examined_text(found.examined), *found.examined.notes)))
    parts = [report.loads_text(found.model)] if found.model else []
    if found.findings:
        parts.append(report.findings_text(found.findings, verbose=talk.verbose))
    elif found.examined is not None:
        parts.append("nothing is wrong by what envlock knows")
    if code and found.fixable is not None:
        parts.append(f"next: {shlex.join(('envlock', 'fix', *found.fixable))}")
    say("\n\n".join(parts))
    return code
