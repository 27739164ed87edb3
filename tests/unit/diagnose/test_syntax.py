"""Code for another Python, told by its syntax and by what it does with what is built in."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from envlock import names
from envlock.causes import Cause
from envlock.diagnose import diagnose
from envlock.diagnose.syntax import SYNTAX
from envlock.examine.logs import examine_text
from envlock.findings import Finding
from envlock.rules import database

RULES = database.load().everything
#: Code that this Python refuses, whichever it is.
PYTHON_2 = """\
print 'x'
print "loss: %f" % loss
try:\\n    pass\\nexcept ValueError, error:\\n    pass
raise ValueError, 'x'
mode = 0777
print(3 <> 4)
class A:\\n    def f(self, async):\\n        pass
xrange(3)
unicode('x')
raw_input()
{}.has_key('x')
{}.iteritems()
{'a': 1}.keys()[0]
map(str, [1])[0]
len(filter(None, [1]))
range(3)[0] = 1
import urllib2
import cPickle
from itertools import izip
import string; string.letters
(x for x in [1]).next()
""".splitlines()


def told(text: str) -> Finding:
    found = [each for each in diagnose(examine_text(text), RULES) if each.id == SYNTAX]
    assert found, [each.title for each in diagnose(examine_text(text), RULES)]
    return found[0]


@pytest.mark.parametrize("code", PYTHON_2)
def test_what_python_2_alone_takes_is_told_from_what_this_python_raises(
    code: str, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text(code.replace("\\n", "\n"))
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    finding = told(ran.stderr)
    gone = "Python 2" if "async" not in code else "Python before 3.7"
    assert (finding.title, finding.cause) == (f"The code is written for {gone}", Cause.CODE)


@pytest.mark.parametrize(
    ("path", "source", "error", "since"),
    [
        ("/x/lib/python3.5/site-packages/keras/losses.py", "f'{x}'", "invalid syntax", "3.6"),
        ("/x/lib/python3.5/site-packages/keras/a.py", "size: int = 3", "invalid syntax", "3.6"),
        (r"C:\Python37\Lib\site-packages\keras\a.py", "if (n := 3) > 2:", "invalid syntax", "3.8"),
        ("/e/envs/py37/lib/site-packages/keras/a.py", "def f(a, /, b):", "invalid syntax", "3.8"),
        ("/x/lib/python3.9/site-packages/keras/a.py", "match value:", "invalid syntax", "3.10"),
        (
            "/x/lib/python3.6/site-packages/keras/a.py",
            "from __future__ import annotations",
            "future feature annotations is not defined",
            "3.7",
        ),
        (
            "/x/lib/python3.11/site-packages/keras/a.py",
            "f'{a['b']}'",
            "f-string: unmatched '['",
            "3.12",
        ),
    ],
)
def test_a_package_for_a_newer_python_is_told_with_the_python(
    path: str, source: str, error: str, since: str
) -> None:
    text = f'  File "{path}", line 10\n    {source}\n    ^\nSyntaxError: {error}'
    finding = told(text)
    assert finding.title == f"keras is written for Python {since} or later"
    assert "ran this" in finding.because


@pytest.mark.parametrize(
    "text",
    [
        # A slip of one's own, and a Python that has what is written.
        '  File "train.py", line 3\n    x = f"{a}" b\n              ^\nSyntaxError: invalid syntax',
        "  File \"train.py\", line 3\n    x = [1, 2\n        ^\nSyntaxError: '[' was never closed",
        (
            '  File "/x/lib/python3.12/site-packages/a/b.py", line 3\n    if (n := 3):\n'
            "        ^\nSyntaxError: invalid syntax"
        ),
        (
            'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n'
            "    print(float[0])\nTypeError: 'type' object is not subscriptable"
        ),
        "TypeError: unsupported operand type(s) for |: 'int' and 'str'",
        "NameError: name 'model' is not defined",
        "ModuleNotFoundError: No module named 'queues'",
    ],
)
def test_a_slip_is_no_matter_of_the_python(text: str) -> None:
    assert SYNTAX not in {each.id for each in diagnose(examine_text(text), RULES)}


def test_each_form_says_one_python_and_what_to_write_is_python() -> None:
    for form in names.syntax():
        assert ("gone" in form) is not ("since" in form), form
        assert Version(form.get("gone") or form["since"]) >= Version("3.0")
        re.compile(form["said"])
        re.compile(form.get("source", ""))
        code = form.get("write", "")
        ast.parse(f"try:\n    pass\n{code}\n    pass" if code.startswith("except") else code)
