"""Queue and lanes: what runs after what, and what happens when a worker dies."""

import os
from pathlib import Path

from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import EngineName
from envlock.evidence.values import Cell
from envlock.matrix.lanes import Ended, Prover, Queue, Run, Task, Terms, local_lanes
from envlock.model import IndexSettings
from support.evidence import CELL, RULES_SET, proved
from support.matrix_work import answer, die_always, die_once

OTHER = replace(CELL, version=Version("2.9.3"))
NAMES = ["rules", "plain", "h5py 3.1", "h5py 3.2"]


def queue(folder: Path, *cells: Cell, names: list[str] = NAMES) -> Queue:
    made = Queue(Terms(workspace=folder, settings=IndexSettings(), engine=EngineName.UV))
    for cell in cells:
        made.add(cell, names, None)
    return made


def taken(line: Queue, last: Cell | None = None) -> Task:
    task = line.take(last)
    assert task is not None
    return task


def test_the_others_wait_for_the_set_of_the_rules(tmp_path: Path) -> None:
    line = queue(tmp_path, CELL)
    first = taken(line)
    assert (first.name, first.base) == ("rules", ())
    assert line.take(None) is None
    line.finished(first, RULES_SET)
    second = taken(line)
    assert (second.name, second.base) == ("plain", RULES_SET.packages)


def test_a_lane_goes_on_with_its_cell_and_another_begins_the_next(tmp_path: Path) -> None:
    line = queue(tmp_path, CELL, OTHER)
    first = taken(line)
    assert taken(line).cell == OTHER
    line.finished(first, RULES_SET)
    assert taken(line, CELL).cell == CELL


def test_a_lane_helps_where_much_is_left(tmp_path: Path) -> None:
    line = queue(tmp_path, CELL)
    first = taken(line)
    line.finished(first, RULES_SET)
    assert taken(line, CELL).name == "plain"
    assert line.take(OTHER) is None  # two are left: its lane is as quick
    assert taken(line, CELL).name == "h5py 3.1"


def test_without_a_set_of_the_rules_only_the_plain_one_is_run(tmp_path: Path) -> None:
    line = queue(tmp_path, CELL)
    assert not line.finished(taken(line), proved("rules", problem="no wheel", outcomes=()))
    plain = taken(line)
    assert plain.name == "plain"
    assert line.finished(plain, None)


def drive(line: Queue, work: Prover, lanes: int = 1) -> list[Ended]:
    ended: list[Ended] = []

    def note(each: Ended) -> None:
        ended.append(each)
        line.finished(each.task, each.proved)

    Run(line, local_lanes(lanes), work).drive(note)
    return ended


def test_each_set_is_done_once_by_processes_of_their_own(tmp_path: Path) -> None:
    ended = drive(queue(tmp_path, CELL, OTHER, names=["rules"]), answer, lanes=2)
    assert {each.task.cell for each in ended} == {CELL, OTHER}
    pids = {each.proved.problem for each in ended if each.proved}
    assert f"pid {os.getpid()}" not in pids
    assert len(pids) == 2


def test_an_error_that_a_network_can_cause_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    line = queue(tmp_path, CELL, names=["rules", "plain"])
    line.works[0].base = ()
    ended = drive(line, answer)
    assert [(each.task.name, each.error and each.error.message) for each in ended] == [
        ("rules", None),
        ("plain", "the index is down"),
    ]


def test_the_task_of_a_killed_worker_is_done_again(tmp_path: Path) -> None:
    ended = drive(queue(tmp_path, CELL), die_once)
    assert [each.task.name for each in ended] == NAMES
    assert all(each.proved for each in ended)


def test_a_task_that_kills_every_worker_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    ended = drive(queue(tmp_path, CELL), die_always)
    failed = [each for each in ended if each.error is not None]
    assert [each.task.name for each in failed] == ["h5py 3.1"]
    assert str(failed[0].error) == f"{CELL}, h5py 3.1: the worker died under it 3 times"
    assert {each.task.name for each in ended} == set(NAMES)
