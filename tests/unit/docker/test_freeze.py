"""What a base image holds is read from its pip freeze, and what cannot be read is told."""

import pytest
from packaging.version import Version

from envlock.docker.bases import parse_freeze
from envlock.errors import UsageError

TEXT = """\
# pip freeze --all
absl-py==2.1.0
PyYAML===6.0.1
tensorflow_cpu==2.15.0+local
odd @ file:///wheels/odd-1.0-py3-none-any.whl
-e git+https://example.com/x.git@1#egg=x
uvicorn[standard]==0.30.0
broken==one
"""


def test_pins_become_constraints_with_their_lines() -> None:
    frozen = parse_freeze("freeze.txt", TEXT.replace("\n", "\r\n"))
    assert frozen.pins == {
        "absl-py": Version("2.1.0"),
        "pyyaml": Version("6.0.1"),
        "tensorflow-cpu": Version("2.15.0+local"),
        "uvicorn": Version("0.30.0"),
    }
    assert [(str(each.requirement), each.origin) for each in frozen.constraints] == [
        ("absl-py==2.1.0", "freeze.txt:2"),
        ("pyyaml==6.0.1", "freeze.txt:3"),
        ("tensorflow-cpu==2.15.0+local", "freeze.txt:4"),
        ("uvicorn==0.30.0", "freeze.txt:7"),
    ]
    assert frozen.unread == ("freeze.txt:5", "freeze.txt:6", "freeze.txt:8")


@pytest.mark.parametrize("text", ["", "# nothing\n", "Package Version\n------- ---\nh5py 3.0\n"])
def test_a_text_without_pins_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_freeze("freeze.txt", text)
    assert raised.value.message == (
        "--base-freeze freeze.txt: there is no line NAME==VERSION in it"
    )
