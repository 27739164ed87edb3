"""What a terminal, a container or a mail puts around a log does not hide what the log says."""

import json
import textwrap
from collections.abc import Callable
from importlib.resources import files

import pytest

from envlock.diagnose.rulings import shown_by
from envlock.examine.logs import clean
from envlock.model import Rule
from envlock.rules import database
from envlock.rules.tables import TABLES, parse

TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    model = load_model("m.h5")
AttributeError: 'str' object has no attribute 'decode'"""

Noise = Callable[[str], str]


def each_line(change: Noise) -> Noise:
    return lambda text: "\n".join(map(change, text.split("\n")))


def as_docker_logs_it(line: str) -> str:
    entry = {"log": f"{line}\n", "stream": "stderr", "time": "2024-05-01T12:00:01Z"}
    return json.dumps(entry, separators=(",", ":"))


def broken_at_column_80(text: str) -> str:
    lines = ["=" * 80]
    for line in text.split("\n"):
        lines += [line[at : at + 80] for at in range(0, len(line), 80)] or [""]
    return "\n".join(lines)


NOISES: dict[str, Noise] = {
    "colours": each_line(lambda line: f"\x1b[0;31m{line[:7]}\x1b[0m{line[7:]}\x1b[K"),
    "colours without their escape": each_line(lambda line: f"[0;31m{line[:7]}[0m{line[7:]}"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "an overwritten progress bar": lambda text: f"10%|#  |\r50%|## |\rdone\n{text}",
    "a progress bar on the same line": lambda text: f"Loading: 100%|##| 3/3\r{text}",
    "the time of a logger": each_line(lambda line: f"2024-05-01 12:00:01,123 {line}"),
    "time and level": each_line(lambda line: f"2024-05-01 12:00:01 ERROR:app:{line}"),
    "a level in brackets": each_line(lambda line: f"[ERROR] {line}"),
    "GitHub Actions": each_line(lambda line: f"2024-05-01T12:00:01.1234567Z {line}"),
    "docker compose": each_line(lambda line: f"web-1  | {line}"),
    "docker's JSON": each_line(as_docker_logs_it),
    "docker build": each_line(lambda line: f"#12 3.456 {line}"),
    "Kubernetes": each_line(lambda line: f"2024-05-01T12:00:01.123456789Z stderr F {line}"),
    "the journal": each_line(lambda line: f"May 01 12:00:01 host python[123]: {line}"),
    "mpirun": each_line(lambda line: f"[1,0]<stderr>:{line}"),
    "Ray": each_line(lambda line: f"(train pid=123) {line}"),
    "a mail": each_line(lambda line: f"> > {line}"),
    "a box": each_line(lambda line: f"│ {line:100} │"),
    "pytest": each_line(lambda line: f"E   {line}" if line[:1].strip() else line),
    "a byte order mark": lambda text: f"\ufeff{text}",
    "blanks that do not break": lambda text: text.replace("  ", "\xa0 "),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_noise_goes_and_the_traceback_stays(noise: Noise) -> None:
    assert TRACEBACK in "\n".join(line.rstrip() for line in clean(noise(TRACEBACK)).split("\n"))


def symptoms_of_rules() -> list[tuple[Rule, str]]:
    known = database.load()
    found = []
    for file in files("envlock_constraints").iterdir():
        if file.name.endswith(".yaml") and file.name not in TABLES:
            for document in parse(file.read_text(encoding="utf-8")):
                rule = known.find(document["id"])
                assert rule is not None
                found += [(rule, text) for text in document["examples"].get("matches", ())]
    return found


SYMPTOMS = symptoms_of_rules()


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_every_rule_finds_its_own_symptoms_in_noise(noise: Noise) -> None:
    missed = [
        (rule.id, text) for rule, text in SYMPTOMS if not shown_by(clean(noise(text)), [rule])
    ]
    assert missed == []


def test_every_rule_finds_its_own_symptoms_in_lines_that_a_terminal_broke() -> None:
    missed = [
        (rule.id, text)
        for rule, text in SYMPTOMS
        if not shown_by(clean(broken_at_column_80(text)), [rule])
    ]
    assert missed == []


def test_nearly_every_rule_finds_its_own_symptoms_in_text_that_a_mail_program_filled() -> None:
    found = [
        rule
        for rule, text in SYMPTOMS
        if shown_by(clean("\n".join(textwrap.wrap(text, 72, break_long_words=False))), [rule])
    ]
    assert len(found) >= 0.95 * len(SYMPTOMS)


def test_the_arrows_of_a_notebook_go() -> None:
    assert clean("      1 import os\n----> 2 import tensorflow as tf\n") == (
        "      1 import os\n2 import tensorflow as tf\n"
    )


def test_what_pip_calls_an_error_stays_one() -> None:
    said = "ERROR: Could not find a version that satisfies the requirement tensorflow"
    assert clean(said) == said


def test_a_comparison_is_no_quotation() -> None:
    assert clean(">= 2.18 is needed") == ">= 2.18 is needed"


def test_a_long_log_is_without_its_repetitions() -> None:
    log = "\n".join(f"Epoch {n}/5000 - loss: 0.{n}" for n in range(5000))
    assert clean(f"{log}\n{TRACEBACK}").count("\n") < 10
    assert clean(f"{log}\n{TRACEBACK}").endswith(TRACEBACK)


def test_two_lines_that_happen_to_be_as_long_stay_two() -> None:
    two = "tensorflow 2.15.0.post1 requires\nkeras<2.16, but you have keras 3"
    assert clean(two) == two
