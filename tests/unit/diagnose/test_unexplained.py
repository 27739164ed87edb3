"""An error that no rule knows is told as such, with where it comes from and how to go on."""

import pytest

from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Finding
from envlock.rules import database

RULES = database.load().rules
PANDAS = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    import pandas
  File "/home/u/env/lib/python3.8/site-packages/pandas/__init__.py", line 22, in <module>
    from pandas.compat import is_numpy_dev
  File "/home/u/env/lib/python3.8/site-packages/pandas/compat/numpy.py", line 9, in <module>
    raise ImportError("this version of pandas is incompatible")
ImportError: this version of pandas is incompatible
"""


def of(text: str, *lines: str) -> Finding | None:
    parts = [examine_text(text)]
    if lines:
        parts.append(examine_content("\n".join(lines), "r.txt"))
    findings = diagnose(merge(parts), RULES)
    return next((each for each in findings if each.id == "unexplained"), None)


def test_it_says_which_library_raised_what() -> None:
    found = of(PANDAS, "pandas==1.4.0", "tensorflow==2.4.1", "numpy==1.18.0")
    assert found is not None
    assert (found.title, found.severity, found.confidence) == (
        "No rule knows this error",
        "breaks",
        0.3,
    )
    assert found.because == (
        "ImportError: this version of pandas is incompatible was raised in pandas "
        "(/home/u/env/lib/python3.8/site-packages/pandas/compat/numpy.py, line 9), and no rule "
        "that envlock has explains it."
    )
    assert {n: str(v) for n, v in found.packages.items()} == {"pandas": "1.4.0"}
    assert found.evidence == "ImportError: this version of pandas is incompatible"
    assert [(each.kind, each.text) for each in found.remedies] == [
        (
            "advice",
            "Unusual here: tensorflow 2.4.1 declares numpy~=1.19.2, and numpy 1.18.0 is there.",
        ),
        ("command", "envlock verify"),
    ]


NOTEBOOK = """\
~\\anaconda3\\lib\\site-packages\\acme\\core.py in run(self)
----> 651     raise ValueError("no")
ValueError: no
"""
RAISED = [
    (
        NOTEBOOK,
        "ValueError: no was raised in acme (~\\anaconda3\\lib\\site-packages\\acme\\core.py)",
    ),
    ("ValueError: no", "ValueError: no was raised"),
    (
        "python: line 3: 42 Segmentation fault (core dumped)",
        "python: line 3: 42 Segmentation fault (core dumped) was raised",
    ),
    (
        "x.c:3: fatal error: foo.h: No such file",
        "x.c:3: fatal error: foo.h: No such file was raised",
    ),
]


@pytest.mark.parametrize(("text", "begins"), RAISED)
def test_an_error_is_told_however_it_is_written(text: str, begins: str) -> None:
    found = of(text)
    assert found is not None
    assert found.because == f"{begins}, and no rule that envlock has explains it."


def test_a_missing_module_is_said_to_be_missing() -> None:
    found = of("ModuleNotFoundError: No module named 'acme'")
    assert found is not None
    assert found.remedies[0].text == (
        "acme is not installed in the Python that ran this; another one may have it."
    )


def test_a_module_inside_of_another_does_not_say_that_the_other_is_missing() -> None:
    found = of("ModuleNotFoundError: No module named 'acme.core'")
    assert found is not None
    assert found.remedies[0].text == 'python -c "import acme; print(acme.__file__)"'
    assert found.remedies[1].text == (
        "The acme that this Python has is without acme.core: it is another release than the code "
        "was written for, or a file of your own is called acme."
    )


EXPLAINED = [
    "Epoch 1/10\n",
    "AttributeError: 'str' object has no attribute 'decode'",
    "TypeError: Could not locate function 'mse'. Make sure custom classes are decorated",
    (
        f"{PANDAS}\nDuring handling of the above exception, another exception occurred:\n\n"
        "AttributeError: _ARRAY_API not found\n"
    ),
]


@pytest.mark.parametrize("text", EXPLAINED)
def test_nothing_is_unexplained_where_there_is_no_error_or_a_rule_knows_it(text: str) -> None:
    assert of(text) is None


def test_a_warning_that_a_rule_knows_does_not_explain_an_error_after_it() -> None:
    noise = "Could not load dynamic library 'libcudart.so.11.0'; dlerror\n" + "loss: 0.1\n" * 500
    assert of(f"{noise}{PANDAS}") is not None
