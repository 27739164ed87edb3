"""Help, usage errors, and what goes to which stream."""

import subprocess

import pytest

from support.program import Program
from support.simple_index import SimpleIndex

COMMANDS = [
    "",
    "create",
    "lock",
    "sync",
    "export",
    "diff",
    "verify",
    "releases",
    "rules",
    "rules list",
    "rules show",
    "rules check",
    "rules constraints",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(program: Program, command: str) -> None:
    for flag in ("-h", "--help"):
        done = program(*command.split(), flag)
        assert done.out.startswith(f"Usage: envlock {command}".rstrip())
        assert (done.code, done.err) == (0, "")


def test_no_arguments_are_a_wish_for_help(program: Program) -> None:
    assert program().out == program("--help").out


def test_the_list_of_commands_has_what_each_does(program: Program) -> None:
    listed = program("--help").out
    for command in ("lock", "verify"):
        first = program(command, "--help").out.splitlines()[2].strip()
        assert first[:30] in listed


def test_a_shell_is_told_the_options_of_a_command(program: Program) -> None:
    asked = {"_ENVLOCK_COMPLETE": "complete_bash", "COMP_WORDS": "envlock lock --eng"}
    assert program.with_env(**asked, COMP_CWORD="2")().out == "--engine\n"


def test_the_version_is_told(program: Program) -> None:
    import envlock  # noqa: PLC0415  (the package, not the fixture of that name)

    for flag in ("-V", "--version"):
        assert program(flag).out == f"envlock {envlock.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lck", "error: no such command 'lck'. Did you mean 'lock'?\n  try: envlock --help\n"),
        ("rules", "error: missing command\n  try: envlock rules --help\n"),
        ("rules show", "error: missing argument 'ID'\n  try: envlock rules show --help\n"),
        (
            "lock --pyton 3.10",
            (
                "error: no such option: --pyton (Possible options: --json, --python)\n"
                "  try: envlock lock --help\n"
            ),
        ),
        ("lock -p", "error: option '-p' requires an argument\n  try: envlock lock --help\n"),
        (
            "lock --engine pipenv",
            (
                "error: invalid value for '--engine': 'pipenv' is not one of 'pip-tools', 'uv'\n"
                "  try: envlock lock --help\n"
            ),
        ),
        *(
            (
                f"verify --timeout {text}",
                (
                    f"error: --timeout {text}: not a number of seconds\n"
                    "  try: envlock verify --timeout 600\n"
                ),
            )
            for text in ("soon", "-1", "0", "inf", "nan")
        ),
    ],
)
def test_a_usage_error_is_told(program: Program, words: str, said: str) -> None:
    done = program(*words.split())
    assert (done.code, done.out, done.err) == (2, "", said)


def test_with_json_a_usage_error_is_an_object(program: Program) -> None:
    done = program("lock", "--json", "--engine", "pipenv")
    assert done.data == {
        "schema": 2,
        "command": "lock",
        "exit_code": 2,
        "message": "invalid value for '--engine': 'pipenv' is not one of 'pip-tools', 'uv'",
        "remedies": ["envlock lock --help"],
        "cause": "usage",
        "commands": [["envlock", "lock", "--help"]],
    }
    assert (done.code, done.err) == (2, "")


def test_quiet_says_the_result_only(envlock: Program) -> None:
    (envlock.here / "wanted.in").write_text("tensorflow\n")
    done = envlock("lock", "-r", "wanted.in", "-q")
    assert (done.code, done.err) == (0, "")
    assert done.out == "written  requirements.txt\n"
    assert envlock("lock", "-r", "wanted.in", "-q").out == ""


def test_what_a_file_chooses_is_told_on_standard_error_however_little_is_said(
    envlock: Program,
) -> None:
    (envlock.here / "wanted.in").write_text("--pre\ntensorflow\n")
    assert envlock("lock", "-r", "wanted.in", "-q").err == "wanted.in:1: --pre is obeyed\n"


def test_verbose_says_each_step_on_standard_error(envlock: Program) -> None:
    done = envlock("create", "tensorflow", "-v")
    steps = [line.partition(" …")[0] for line in done.err.splitlines() if line.endswith(" …")]
    assert steps[:2] == ["read the releases of tensorflow", "resolve tensorflow==2.15.1"]
    assert steps[-2:] == ["install 3 packages", "prove keras-h5"]
    assert "    Installed 3 packages in " in done.err


@pytest.mark.parametrize("variable", ["NO_COLOR", "CI"])
def test_what_is_piped_has_no_escape_codes(envlock: Program, variable: str) -> None:
    coloured = envlock.with_env(**{variable: "1", "TERM": "xterm-256color"})
    runs = [coloured("create", "tensorflow", "-v"), coloured("lock", "nope"), coloured("--help")]
    assert not any("\x1b" in done.out + done.err for done in runs)


def test_a_reader_that_leaves_early_is_no_error(program: Program) -> None:
    running = subprocess.Popen(
        program.command("rules", "list"),
        cwd=program.here,
        env=program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    running.stdout.close()
    _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (0, b"")


def test_a_stream_that_cannot_hold_every_character_gets_escapes(
    program: Program, index: SimpleIndex
) -> None:
    ascii_only = program.with_env(PYTHONIOENCODING="ascii", PYTHONUTF8="0", PIP_INDEX_URL=index.url)
    (program.here / "wanted.in").write_text("naïve-name\n", encoding="utf-8")
    done = ascii_only("lock", "-r", "wanted.in")
    assert "na\\xefve-name" in done.err
    assert done.code == 2


def test_a_command_works_in_another_folder(program: Program) -> None:
    (program.here / "sub").mkdir()
    done = program("-C", "sub", "lock", "six")
    assert (done.code, (program.here / "sub" / "requirements.txt").is_file()) == (0, True)
    assert program("lock", "six", "--directory", "none").code == 2


def test_each_request_and_program_is_told_twice_as_loud_and_in_a_log(program: Program) -> None:
    done = program("lock", "six", "--engine", "uv", "-vv", "--refresh")
    assert "    GET " in done.err
    assert ": exit code 0, " in done.err
    again = program("--log", "work.log", "lock", "six", "--engine", "uv", "-U")
    assert "GET " not in again.err
    lines = (program.here / "work.log").read_text().splitlines()
    assert any("kept " in line or "GET " in line for line in lines)
    assert all(line[:8].strip().replace(".", "").isdigit() for line in lines)


def test_what_machines_read_has_no_colours(envlock: Program) -> None:
    coloured = envlock.with_env(FORCE_COLOR="1")
    for words in (("lock", "six", "-o", "-"), ("lock", "six", "--json"), ("rules", "schema")):
        assert "\x1b" not in coloured(*words).out
    assert "\x1b[32mwritten\x1b[0m" in coloured("lock", "h5py").out


def test_little_is_said_where_that_is_typed_first(program: Program) -> None:
    program("lock", "six")
    assert program("-q", "lock", "six").out == program("lock", "six", "-q").out
    assert program("-q", "rules", "list").code == 0
