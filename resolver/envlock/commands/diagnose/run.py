"""`envlock diagnose`."""

from __future__ import annotations

import shlex

from envlock.cli.options import TalkOptions
from envlock.cli.output import Lines, say, say_json
from envlock.cli.output import talk as tell
from envlock.commands.diagnose import DiagnosedThings
from envlock.diagnose import report
from envlock.errors import ExitCode
from envlock.system import read_standard_input
from envlock.workflow import diagnose


def run(own: DiagnosedThings, talk: TalkOptions) -> int:
    """Do `envlock diagnose`."""
    order = diagnose.DiagnoseOrder(
        what=own.what,
        stdin=read_standard_input() if diagnose.STDIN in own.what else None,
        model=own.model,
        python=own.python,
        platform=own.platform,
        rules=own.rules,
    )
    found = diagnose.diagnose_all(order, Lines(verbose=False))
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
