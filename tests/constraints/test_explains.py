"""What explains errors: right about those that Keras' saving code raises, silent elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import envlock_constraints
from envlock.causes import Cause
from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import Given, merge
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Finding
from envlock.model import Rule, Severity
from envlock.rules import database
from envlock.rules.messages import fixed
from envlock.rules.tables import EXPLAINS, parse
from support.reproductions import CELLS, python_of

FOLDER = Path(envlock_constraints.__file__).parent
DATA = Path(__file__).parent / "data"
RULES = database.load().everything
DOCUMENTS: dict[str, dict[str, Any]] = {
    document["id"]: document
    for path in sorted((FOLDER / EXPLAINS).glob("*.yaml"))
    for document in parse(path.read_text(encoding="utf-8"))
}
#: What stands for a value in a message: %s and %d of old formats, {} and {name} of new ones.
VALUE = re.compile(r"%[sd]|\{\w*\}")

#: Errors that no library for models raised, or of which versions and files are no cause.
ELSEWHERE = """\
KeyError: 'price'
ValueError: Shapes (None, 1) and (None, 10) are incompatible
ValueError: Input 0 of layer "dense" is incompatible with the layer: expected axis -1 to be 2
ValueError: Found input variables with inconsistent numbers of samples: [10, 9]
ValueError: could not broadcast input array from shape (3,) into shape (4,)
ValueError: operands could not be broadcast together with shapes (3,) (4,)
ValueError: not enough values to unpack (expected 2, got 1)
TypeError: 'NoneType' object is not subscriptable
TypeError: Object of type datetime is not JSON serializable
TypeError: unsupported operand type(s) for +: 'int' and 'str'
TypeError: cannot pickle '_thread.lock' object
AttributeError: 'list' object has no attribute 'shape'
IndexError: list index out of range
NameError: name 'x' is not defined
ZeroDivisionError: division by zero
FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'
PermissionError: [Errno 13] Permission denied: '/root/x'
OSError: [Errno 28] No space left on device
IsADirectoryError: [Errno 21] Is a directory: 'data'
MemoryError: Unable to allocate 7.45 GiB for an array with shape (1000, 1000, 1000)
RuntimeError: CUDA error: out of memory
RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)
RuntimeError: Error(s) in loading state_dict for Net: size mismatch for fc.weight
RecursionError: maximum recursion depth exceeded
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed
requests.exceptions.ConnectionError: HTTPSConnectionPool(host='a', port=443): Max retries exceeded
urllib.error.HTTPError: HTTP Error 404: Not Found
fatal: not a git repository (or any of the parent directories): .git
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte
pandas.errors.EmptyDataError: No columns to parse from file
sqlite3.OperationalError: database is locked
tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor
tensorflow.python.framework.errors_impl.InvalidArgumentError: logits and labels must be same size
zipfile.BadZipFile: File is not a zip file
pickle.UnpicklingError: pickle data was truncated
""".splitlines()


def found(text: str) -> tuple[Finding, ...]:
    return diagnose(examine_text(text), RULES)


def installed(cell: str) -> Examined:
    given = Given(python=Version(python_of(cell)))
    return examine_content("\n".join(CELLS[cell]), "requirements.txt", given)


def rows() -> list[list[str]]:
    lines = (DATA / "keras-saving-errors.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def reproductions() -> Iterator[tuple[str, str, str]]:
    for name, document in DOCUMENTS.items():
        for item in document["examples"].get("provokes", ()):
            for cell, text in item["raises"].items():
                yield name, cell, text


def test_nearly_every_error_of_keras_saving_code_is_explained_with_its_kind_of_cause() -> None:
    told = {
        f"{error}: {message}": (cause, [each.cause for each in found(f"{error}: {said}")])
        for error, message, _, cause in rows()
        for said in [VALUE.sub("x", message)]
    }
    wrong = {text: each for text, each in told.items() if each[0] not in each[1][:1]}
    unexplained = [text for text, (_, causes) in told.items() if not any(causes)]
    assert len(told) == 336
    assert len(wrong) <= 0.05 * len(told), wrong
    assert len(unexplained) <= 0.05 * len(told), unexplained


@pytest.mark.parametrize(("name", "cell", "text"), list(reproductions()))
def test_what_was_raised_in_a_cell_is_explained_by_its_document(
    name: str, cell: str, text: str
) -> None:
    whole = merge((installed(cell), examine_text(text)))
    assert [each.id for each in diagnose(whole, RULES)][:1] == [name]


def test_each_message_is_in_one_document_and_fits_no_unrelated_error() -> None:
    taken: dict[tuple[str, ...], str] = {}
    twice = [
        (message, rule.id)
        for rule in RULES
        for message in rule.messages
        if taken.setdefault(fixed(message), rule.id) != rule.id
    ]
    assert twice == []


@pytest.mark.parametrize("text", ELSEWHERE)
def test_an_error_of_something_else_is_no_fault_of_versions_and_files(text: str) -> None:
    blamed = (Cause.VERSION, Cause.FILE, Cause.SAFETY)
    findings = found(text)
    assert [each.id for each in findings if each.severity is Severity.BREAKS] == []
    assert [each.id for each in findings if each.cause in blamed] == []


def test_a_document_says_what_to_do_and_how_it_is_known() -> None:
    def is_whole(rule: Rule) -> bool:
        return bool(rule.remedies and rule.evidence and rule.because)

    assert [rule.id for rule in RULES if not is_whole(rule)] == []
