"""`envlock rules` and `envlock releases`: tables, JSON, and a constraints file that pip takes."""

import pytest
import yaml

from support.program import Program

RULE = {
    "id": "own-rule",
    "title": "Old TensorFlow and new h5py",
    "when": {"tensorflow": "<2.5"},
    "require": {"h5py": "<3"},
    "stage": "load",
    "severity": "breaks",
    "because": "A model of ours that was saved could not be loaded again with it.",
    "metadata": "no",
    "remedy": [{"install": "h5py<3"}],
    "evidence": [
        {
            "how": "ran",
            "what": "It failed.",
            "checked": "2026-01-01",
            "links": ["https://example.org/1"],
        }
    ],
    "examples": {
        "refuses": [{"packages": {"tensorflow": "2.4.4", "h5py": "3.1.0"}}],
        "admits": [{"packages": {"tensorflow": "2.4.4", "h5py": "2.10.0"}}],
    },
}


def write_rule(program: Program, **changes: object) -> None:
    folder = program.here / "ours"
    folder.mkdir()
    (folder / "own.yaml").write_text(yaml.safe_dump({**RULE, **changes}, sort_keys=False))


def test_rules_are_listed_in_a_table_that_has_those_of_json(program: Program) -> None:
    table = program("rules", "list")
    header, *rows = table.out.splitlines()
    assert header.split() == ["RULE", "SEVERITY", "STAGE", "CAUSE", "FACT"]
    listed = program("rules", "list", "--json").data["rules"]
    assert [row.split()[0] for row in rows] == [rule["id"] for rule in listed]
    assert (table.code, table.err) == (0, "")


def test_a_rule_is_shown_by_its_id(program: Program) -> None:
    done = program("rules", "show", "numpy2-tf-abi")
    assert done.out.startswith("numpy2-tf-abi: ")
    assert "  tensorflow <2.18: require numpy <2\n" in done.out
    found = program("rules", "show", "numpy2-tf-abi", "--json").data["rule"]
    assert found["cases"] == ["tensorflow <2.18: require numpy <2"]


def test_a_misspelt_rule_has_the_nearest_as_commands(program: Program) -> None:
    done = program("rules", "show", "numpy2-tf-ab")
    assert done.err.startswith(
        "error: there is no rule numpy2-tf-ab\n  try: envlock rules show numpy2-tf-abi\n"
    )
    assert done.code == 2


def test_ones_own_rules_are_checked_and_used(program: Program) -> None:
    write_rule(program)
    done = program("rules", "check", "ours")
    assert (done.code, done.out) == (0, "1 rule, all sound\n")
    assert program("rules", "check", "ours", "--json").data["sound"] == ["own-rule"]
    shown = program("rules", "show", "own-rule", "--rules", "ours").out
    assert shown.startswith("own-rule: Old TensorFlow and new h5py\n")


def test_every_fault_of_ones_own_rules_is_told(program: Program) -> None:
    write_rule(
        program,
        severity="bad",
        examples={"refuses": [{"packages": {"tensorflow": "2.6.0"}}], "admits": []},
    )
    done = program("rules", "check", "ours")
    first, *rest = done.err.splitlines()
    assert first == f"error: {len(rest)} faults in ours:"
    assert any(line.startswith("ours/own.yaml: own-rule: severity: ") for line in rest)
    assert done.code == 1
    assert program("rules", "check", "ours", "--json").data["exit_code"] == 1


def test_constraints_are_a_file_for_pip(program: Program) -> None:
    done = program("rules", "constraints", "tensorflow==2.15.1", "--python", "3.10")
    lines = done.out.splitlines()
    assert lines[0].startswith("# tensorflow==2.15.1 on Python 3.10, ")
    assert "numpy<2" in lines
    assert (done.code, done.err) == (0, "")
    found = program("rules", "constraints", "tensorflow==2.15.1", "-p", "3.10", "--json").data
    bounds = {each["package"] + each["specifier"] for each in found["constraints"]}
    assert {line for line in lines if line and not line.startswith("#")} <= bounds


def test_constraints_are_of_the_platform_that_is_named(program: Program) -> None:
    words = ("rules", "constraints", "tensorflow==2.15.1", "--python", "3.10", "--platform")
    linux, windows = (program(*words, name).out for name in ("linux/arm64", "win-64"))
    assert windows.startswith("# tensorflow==2.15.1 on Python 3.10, windows-x86_64\n")
    bound = "tensorflow-io-gcs-filesystem<=0.31.0\n"
    assert (bound in linux, bound in windows) == (False, True)


def test_constraints_of_something_else_than_a_release_are_refused(program: Program) -> None:
    done = program("rules", "constraints", "tensorflow>2")
    assert done.err == (
        "error: tensorflow>2: one release is needed, as NAME==VERSION\n"
        '  try: envlock rules constraints "tensorflow==2.15.1"\n'
    )
    assert done.code == 2


def test_constraints_for_something_else_than_a_python_are_refused(program: Program) -> None:
    done = program("rules", "constraints", "tensorflow==2.15.1", "-p", "new")
    assert done.err == (
        "error: new is not a version of Python, such as 3.10\n"
        "  try: envlock rules constraints tensorflow==2.15.1 --python 3.10\n"
    )
    assert done.code == 2


@pytest.mark.parametrize("package", ["tensorflow", "h5py"])
def test_releases_are_a_table_that_has_those_of_json(program: Program, package: str) -> None:
    table = program("releases", package)
    header, *rows = table.out.splitlines()
    assert header.split()[:3] == [package.upper(), "DATE", "PYTHON"]
    listed = program("releases", package, "--json").data["releases"]
    assert [row.split()[0] for row in rows] == [release["version"] for release in listed]
    assert (table.code, table.err) == (0, "")


def test_the_releases_of_another_package_are_a_usage_error(program: Program) -> None:
    done = program("releases", "numpy")
    assert done.err == (
        "error: invalid value for 'PACKAGE': 'numpy' is not one of 'tensorflow', 'h5py'\n"
        "  try: envlock releases --help\n"
    )
    assert done.code == 2
