"""Which ways out are looked for, in which order, and that every one was solved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.model import Target
from envlock.progress import Silent
from envlock.resolve.question import Question, Tools
from envlock.resolve.ways import Search, ways_out
from support.rules import TARGET, requirement, rule
from support.scripted import Pages, Scripted, question, wheels

OLD = replace(TARGET, python=Version("3.10.13"), tags=("cp310-cp310-linux_x86_64", "py3-none-any"))
NEW = replace(TARGET, python=Version("3.13.0"), tags=("cp313-cp313-linux_x86_64", "py3-none-any"))
PAGES: Pages = {
    "tensorflow": {
        **wheels("tensorflow", "2.10.1", "cp310-cp310-linux_x86_64"),
        **wheels("tensorflow", "2.20.0 2.21.0"),
    },
    "tensorflow-cpu": wheels("tensorflow_cpu", "2.20.0"),
}


def found(
    asked: Question, engine: Scripted, said: str = "", here: Iterable[Target] = ()
) -> list[str]:
    tools = Tools(
        engine=engine,
        releases=lambda name: PAGES.get(name, wheels(name, "1.0 2.0 3.0")),
        progress=Silent(),
    )
    looking = Search(
        question=asked, tools=tools, verb="lock", said=said, targets_here=lambda: tuple(here)
    )
    return list(ways_out(looking))


def fits(**pins: str) -> Scripted:
    """An engine that takes anything, and brings these pins."""
    return Scripted(lambda *_: pins)


def refuses(*together: str) -> Scripted:
    """An engine for which these do not go together."""
    return Scripted(
        lambda _, bounds: "no" if set(together) <= bounds else {"alpha": "2.0", "beta": "3.0"}
    )


def test_the_newest_python_of_this_machine_that_has_a_wheel_comes_first() -> None:
    asked = question("tensorflow==2.10.1")
    assert found(asked, fits(), here=[NEW, OLD, OLD]) == [
        'envlock lock "tensorflow==2.10.1" --python 3.10'
    ]


def test_a_python_without_any_framework_changes_together_with_all_bounds() -> None:
    bare = replace(NEW, tags=("cp313-cp313-macosx_14_0_x86_64",), option="macos-x86_64")
    asked = question("tensorflow==2.9", "alpha", target=bare)
    assert found(asked, fits(), here=[bare, OLD]) == [
        'envlock lock "alpha" "tensorflow" --python 3.10'
    ]


def test_a_neighbour_without_a_wheel_on_another_platform_is_left_out_there() -> None:
    away = replace(
        TARGET,
        option="windows-x86_64",
        markers={"sys_platform": "win32", "platform_machine": "AMD64"},
    )
    asked = question("tensorflow", "alpha", target=away)
    engine = Scripted(lambda _, bounds: "no" if "alpha" in bounds else {})
    elsewhere = "sys_platform != 'win32' or platform_machine != 'AMD64'"
    assert found(asked, engine) == [
        f'envlock lock "alpha; {elsewhere}" "tensorflow" --platform windows-x86_64 --python 3.11'
    ]
    assert found(replace(asked, target=TARGET), engine) == []


def test_where_no_python_helps_the_framework_changes() -> None:
    assert found(question("tensorflow==2.10.1"), fits(), here=[NEW]) == [
        'envlock lock "tensorflow==2.21.0" --python 3.11'
    ]


def test_each_neighbour_that_frees_it_is_told_those_in_the_reasons_first() -> None:
    asked = question("tensorflow", "alpha==1.0", "beta==1.0")
    engine = refuses("alpha==1.0", "beta==1.0")
    assert found(asked, engine, said="because beta") == [
        'envlock lock "alpha==1.0" "beta==3.0" "tensorflow" --python 3.11',
        'envlock lock "alpha==2.0" "beta==1.0" "tensorflow" --python 3.11',
    ]


def test_a_constraint_is_changed_where_it_stands_or_removed() -> None:
    limits = {
        each.name: each
        for each in (requirement("beta<2", "c.txt:1"), requirement("gamma<2", "c.txt:2"))
    }
    asked = question("tensorflow", constraints=limits)
    engine = refuses("beta<2", "gamma<2")
    assert found(asked, engine) == [
        "in c.txt:1, change beta<2 to beta==3.0",
        "in c.txt:2, remove gamma<2",
    ]


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (("tensorflow", "tensorflow-cpu"), 'envlock lock "tensorflow==2.21.0" --python 3.11'),
        (("tensorflow-cpu==2.20.0",), 'envlock lock "tensorflow==2.20.0" --python 3.11'),
    ],
)
def test_plain_tensorflow_takes_the_place_of_its_kin(words: tuple[str, ...], way: str) -> None:
    cannot = rule(refuse={"tensorflow-cpu": ""})
    assert found(question(*words, rules=[cannot]), fits())[:1] == [way]


def test_all_bounds_are_let_go_when_no_single_one_is_enough() -> None:
    asked = question("tensorflow", "alpha==1.0", "beta==1.0")
    engine = Scripted(lambda _, b: "no" if {"alpha==1.0", "beta==1.0"} & b else {})
    assert found(asked, engine) == ['envlock lock "alpha" "beta" "tensorflow" --python 3.11']
    written = {**asked.requirements}
    for name in ("alpha", "beta"):
        changed: Any = requirement(f"{name}==1.0", f"{name}.in:1")
        written[changed.name] = changed
    assert found(replace(asked, requirements=written), engine) == [
        "leave the versions open in alpha.in and beta.in"
    ]


def test_where_nothing_helps_nothing_is_told() -> None:
    assert found(question("tensorflow", "alpha==1.0"), Scripted(lambda *_: "no")) == []
    assert found(question("tensorflow", "alpha"), Scripted(lambda *_: "no")) == []
