"""`envlock tree`, `list` and `why` of locks and of a real environment."""

from __future__ import annotations

from pathlib import Path

from support.program import Program

GOLDEN = Path(__file__).parents[1] / "golden"
LOCK = GOLDEN / "requirements" / "requirements.txt"


def test_a_lock_is_shown_as_a_tree_with_the_rules_that_moved_pins(program: Program) -> None:
    done = program("tree", LOCK)
    assert (done.code, done.err) == (0, "")
    assert (
        "tensorflow 2.10.1\n├── h5py 3.7.0 (*)\n├── numpy 1.23.5  by tf-lt-212-numpy2" in done.out
    )
    assert "└── six 1.16.0" in done.out
    top = program("tree", LOCK, "--depth", "0").out
    assert [line.split()[0] for line in top.splitlines()] == ["h5py", "numpy", "six", "tensorflow"]


def test_a_tree_begins_or_ends_with_a_package(program: Program) -> None:
    inverted = program("tree", LOCK, "--invert", "NumPy").out
    assert inverted.startswith("numpy 1.23.5  by ")
    assert "├── h5py 3.7.0\n│   └── tensorflow 2.10.1\n└── tensorflow 2.10.1\n" in inverted
    leading = program("tree", LOCK, "--why", "protobuf").out
    assert leading == "tensorflow 2.10.1\n└── protobuf 3.19.6  by tf-protobuf4\n"
    both = program("tree", LOCK, "--why", "six", "--invert", "six")
    assert both.code == 2


def test_why_tells_who_needs_it_and_the_rules_that_count(program: Program) -> None:
    done = program("why", "numpy", LOCK)
    assert "needed by     h5py 3.7.0\n              tensorflow 2.10.1" in done.out
    assert "numpy2-tf-abi: numpy <2, beside tensorflow <2.18" in done.out
    assert done.out.splitlines()[-1].startswith("next          envlock rules show ")
    data = program("why", "numpy", LOCK, "--json").data
    assert data["parts"][0]["needed_by"] == ["h5py", "tensorflow"]
    assert {each["id"] for each in data["parts"][0]["rules"]} >= {"numpy2-tf-abi"}


def test_a_package_that_is_not_there_is_refused_with_the_nearest_name(program: Program) -> None:
    done = program("why", "nunpy", LOCK)
    assert done.code == 2
    assert "has no package nunpy" in done.err
    assert f"try: envlock why numpy {LOCK}" in done.err


def test_each_platform_of_a_lock_of_conda_has_its_own_list(program: Program) -> None:
    done = program("list", GOLDEN / "conda" / "conda-lock.yml")
    assert done.out.count("PACKAGE") == 2
    assert "conda-lock.yml, 3.11 on linux-64:" in done.out
    parts = program("list", GOLDEN / "conda" / "conda-lock.yml", "--json").data["parts"]
    first = {each["name"]: each for each in parts[0]["packages"]}
    assert (first["numpy"]["manager"], first["six"]["manager"]) == ("conda", "pip")


def test_an_environment_is_shown_with_the_ranges_that_are_declared(program: Program) -> None:
    assert program("lock", "h5py").code == 0
    assert program("sync", "--env", "env").code == 0
    tree = program("tree", "env").out
    assert tree.startswith("h5py ")
    assert "└── numpy " in tree
    assert "numpy" in program("list", "env").out
    why = program("why", "numpy", "env").out
    assert "needed by" in why
    assert "h5py" in why


def test_what_is_there_is_meant_where_nothing_is_named(program: Program) -> None:
    (program.here / "requirements.txt").write_text(LOCK.read_text())
    done = program("tree")
    assert "requirements.txt, the lock in this folder" in done.err
    assert "tensorflow 2.10.1" in done.out
    assert program("list").out.startswith("PACKAGE")
    empty = program("tree", "nothing")
    assert empty.code == 2
