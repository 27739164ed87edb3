"""Which set is run next: by whom, after what. Pure.

The set of the rules comes first in each cell, since the others start from
it. A lane goes on with the cell it has just worked on, whose environment it
has, before it begins another; when none is left to begin, it helps a cell
that has much to do.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from envlock.evidence.values import RULES, Cell, ProvedSet
from envlock.matrix.tasks import Task, Terms
from envlock.model import LockedPackage

#: How many sets a cell must have left before a second lane builds its environment too.
_WORTH_HELP = 3


class Work(Struct, kw_only=True):
    """What is left of one cell. ``base`` is None until the set of the rules is there."""

    cell: Cell
    names: list[str]
    base: tuple[LockedPackage, ...] | None = None
    running: int = 0

    @property
    def ready(self) -> bool:
        """Whether a set can be started now."""
        return bool(self.names) and (self.base is not None or self.names[0] == RULES)


class Queue(Struct):
    """The cells of a run, in their order."""

    terms: Terms
    works: list[Work] = field(default_factory=list)

    def add(self, cell: Cell, names: Iterable[str], base: tuple[LockedPackage, ...] | None) -> None:
        """Put a cell with the names of its missing sets at the end."""
        self.works.append(Work(cell=cell, names=list(names), base=base))

    @property
    def left(self) -> int:
        """How many sets have not been started."""
        return sum(len(work.names) for work in self.works)

    def has_more(self, cell: Cell | None) -> bool:
        """Tell whether a cell has a set that can be started."""
        return any(work.ready and work.cell == cell for work in self.works)

    def take(self, last: Cell | None) -> Task | None:
        """Return the next task for a lane that has the environment of ``last``."""
        ready = [work for work in self.works if work.ready]
        own = next((work for work in ready if work.cell == last), None)
        fresh = next((work for work in ready if not work.running), None)
        busy = next((work for work in ready if len(work.names) >= _WORTH_HELP), None)
        work = own or fresh or busy
        return None if work is None else self._start(work)

    def finished(self, task: Task, proved: ProvedSet | None) -> bool:
        """Note how a task ended (None: it could not be run); return whether its cell is done."""
        work = next(work for work in self.works if work.cell == task.cell)
        work.running -= 1
        if task.name == RULES:
            if proved is None or proved.problem:
                work.names = [name for name in work.names if name == "plain"]
            work.base = () if proved is None else proved.packages
        return not work.names and not work.running

    def put_back(self, task: Task) -> None:
        """Have a task done again: its lane died."""
        work = next(work for work in self.works if work.cell == task.cell)
        work.running -= 1
        work.names.insert(0, task.name)
        if task.name == RULES:
            work.base = None

    def _start(self, work: Work) -> Task:
        work.running += 1
        name = work.names.pop(0)
        return Task(cell=work.cell, name=name, terms=self.terms, base=work.base or ())
