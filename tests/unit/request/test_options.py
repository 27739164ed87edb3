"""Options of a requirements file: left out with a note, or refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.index.secrets import redact
from envlock.request.files import ParsedFile, read_request_file


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8", newline="")
    return path


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_request_file(path)
    return caught.value


def names(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(str(item.requirement), item.origin) for item in parsed.requirements]


def test_hashes_and_harmless_options_are_left_out_with_one_note_each(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "requirements.txt",
        """\
        --pre
        --require-hashes
        --only-binary=:all: --no-binary h5py
        --prefer-binary
        --use-feature fast-deps
        numpy==1.26.4 \\
            --hash=sha256:{a} \\
            --hash sha384:{b}
        h5py==3.11.0 --hash=sha256:{a}
        """.format(a="a" * 64, b="B" * 96),
    )

    parsed = read_request_file(path)

    assert names(parsed) == [
        ("numpy==1.26.4", "requirements.txt:6"),
        ("h5py==3.11.0", "requirements.txt:9"),
    ]
    either = "envlock chooses between wheels and sources itself"
    assert parsed.notes == (
        "requirements.txt:2: --require-hashes is ignored: a lock always has hashes",
        f"requirements.txt:4: --prefer-binary is ignored: {either}",
        "requirements.txt:5: --use-feature is ignored: it is about pip itself",
        "requirements.txt:6: --hash is ignored: the lock gets the hashes of what it pins",
    )
    assert [str(each.option) for each in parsed.options] == [
        "--pre",
        "--only-binary :all:",
        "--no-binary h5py",
    ]


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("-i https://me:pw@example.org/simple", "--index-url https://****@example.org/simple"),
        ("--index-url=https://example.org/simple", "--index-url https://example.org/simple"),
        ("--pypi-url https://example.org/simple", "--index-url https://example.org/simple"),
        ("--extra-index-url https://example.org", "--extra-index-url https://example.org"),
        (
            "--extra-index-url https://${USER}:${TOKEN}@example.org",
            "--extra-index-url https://****@example.org",
        ),
        ("-f wheels", "--find-links wheels"),
        ("-fwheels", "--find-links wheels"),
        ("--no-index", "--no-index"),
        ("--trusted-host example.org", "--trusted-host example.org"),
    ],
)
def test_an_option_that_chooses_an_index_is_kept_with_its_place(
    line: str, typed: str, tmp_path: Path
) -> None:
    (found,) = read_request_file(write(tmp_path, "requirements.txt", f"numpy\n{line}\n")).options

    assert (redact(str(found.option)), found.where) == (typed, "requirements.txt:2")
    assert found.base == tmp_path


def test_behind_a_requirement_it_is_ignored_as_by_pip(tmp_path: Path) -> None:
    line = "torch==2.2.1 --extra-index-url https://me:pw@example.org/simple"

    parsed = read_request_file(write(tmp_path, "requirements.txt", f"{line}\n"))

    assert parsed.options == ()
    assert parsed.notes == (
        (
            "requirements.txt:1: --extra-index-url is ignored: behind a requirement it is, as by"
            " pip: write it on a line of its own"
        ),
    )


@pytest.mark.parametrize(
    ("option", "long"),
    [
        ("--global-option=build", "--global-option build"),
        ("--install-option=--prefix=/", "--install-option --prefix=/"),
        ('--config-settings "a=b c"', "--config-settings a=b c"),
        ("-C a=b", "--config-settings a=b"),
        ("--pre -r other.txt", "--requirement other.txt"),
        ("-e .", "--editable ."),
    ],
)
def test_no_option_is_smuggled_through_a_requirement(
    option: str, long: str, tmp_path: Path
) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", f"numpy==1.0 {option}\n"))

    assert fault.message == (
        f'requirements.txt:1: "numpy==1.0" carries the option "{long}":'
        " a requirement passes none to pip"
    )
    assert fault.remedies == (f'remove "{long}"',)


@pytest.mark.parametrize(
    "value", ["md5:" + "a" * 32, "sha256:aa", "sha256:", "x", "sha1:" + "0" * 40]
)
def test_a_hash_that_is_none_is_refused(value: str, tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", f"numpy==1.0 --hash={value}\n"))

    assert fault.message == (
        f'requirements.txt:1: "--hash {value}": this is no sha256, sha384 or sha512 hash'
    )


def test_an_option_for_builds_on_its_own_line_is_refused(tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", "--global-option=build\n"))

    assert fault.message == (
        'requirements.txt:1: "--global-option build": envlock passes no option on to a build'
    )
    assert fault.remedies == ("remove it",)


@pytest.mark.parametrize("line", ["--pref", "-x", "--pre=yes", "-", "--", "h5py -2.10"])
def test_an_unknown_option_is_refused(line: str, tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", line))

    word = line.removeprefix("h5py ")
    assert fault.message == (
        f'requirements.txt:1: "{word}" is not an option of a requirements file'
    )


@pytest.mark.parametrize("line", ["-r", "--find-links", "numpy --hash"])
def test_an_option_without_its_value_is_refused(line: str, tmp_path: Path) -> None:
    name = {"-r": "--requirement"}.get(line, line.removeprefix("numpy "))

    assert refusal(write(tmp_path, "requirements.txt", line)).message == (
        f"requirements.txt:1: {name} needs a value"
    )


def test_an_open_quotation_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "requirements.txt", "-r 'base.txt")).message == (
        'requirements.txt:1: "-r \'base.txt": a quotation is not closed'
    )
