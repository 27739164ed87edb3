"""Help in groups: the options of a command by what they are about, the commands by what for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup

#: Under which heading a command is listed, by its first word.
PURPOSES: Mapping[str, tuple[str, ...]] = {
    "Make": ("create", "lock", "sync", "add", "remove", "run", "kernel", "docker", "bundle"),
    "Look": ("verify", "diagnose", "tree", "list", "why", "diff", "history"),
    "Change": ("fix", "export", "bisect"),
    "Know": ("releases", "capabilities", "rules", "matrix"),
    "envlock itself": ("cache", "config", "json"),
}


class GroupedCommand(TyperCommand):
    """A command whose options stand under the heading of their group."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (typer's own click)
        """Write arguments, then each group of options."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                argument = param.param_type_name == "argument"
                heading = getattr(param, "rich_help_panel", None) or "Options"
                rows.setdefault("Arguments" if argument else heading, []).append(record)
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (as above)
        """Write what may be typed, a line each."""
        del ctx
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class GroupedProgram(TyperGroup):
    """The program, whose commands stand under what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (as above)
        """Write the commands of each purpose, and those of a group by themselves."""
        limit = formatter.width - 6 - max(map(len, self.list_commands(ctx)))
        listed = {name for names in PURPOSES.values() for name in names}
        others = tuple(name for name in self.list_commands(ctx) if name not in listed)
        for purpose, names in {**PURPOSES, "Commands": others}.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(n, each.get_short_help_str(limit)) for n, each in found if each is not None]
            if rows:
                with formatter.section(purpose):
                    formatter.write_dl(rows)
