"""A terminal in which a user types lines, one after the other, and follows what is printed."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, field

from support.program import Done, Program
from support.remedies import is_command, ways
from support.unrouted import unrouted

#: What only a shell understands.
_SHELL = re.compile(r"[&|;<>$`]|^(?!envlock )")

#: A pip that is not the environment's would install into a Python of this machine.
_PIP = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_REQUIRE_VIRTUALENV": "1"}


@dataclass(kw_only=True)
class Terminal:
    """Lines are typed in the folder of a program; what the last one said is kept."""

    program: Program
    offline: bool = False  # in a network namespace of its own
    last: Done = field(default_factory=lambda: Done(code=0, out="", err=""))

    def types(self, line: str, *, code: int = 0) -> str:
        """Type a line that ends with a code, and return all that it said."""
        if _SHELL.search(line):
            env = {**self.program.environment(), **_PIP}
            del env["PYTHONPATH"]  # the tests' own
            self.last = self.program.run(["bash", "-c", line], env=env, stdin=subprocess.DEVNULL)
        elif self.offline:
            self.last = unrouted(self.program, *shlex.split(line)[1:])
        else:
            self.last = self.program(*shlex.split(line)[1:])
        said = f"{self.last.err}{self.last.out}"
        assert self.last.code == code, f"$ {line}\n{said}"
        return said

    def follows(self, *, code: int = 0) -> str:
        """Type the first command that was printed to be typed, and return all that it said."""
        printed = [way for way in ways(self.last) if is_command(way)]
        assert printed, f"{self.last.err}{self.last.out}"
        return self.types(printed[0].partition("  # ")[0], code=code)
