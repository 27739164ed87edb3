"""What code uses of its packages, read from its syntax."""

from pathlib import Path

import pytest

from envlock.code.reading import read_script, without_magics
from envlock.code.uses import uses
from envlock.diagnose import diagnose
from envlock.diagnose.written import needs
from envlock.errors import UsageError
from envlock.examine.files import examine_content, examine_path
from envlock.examine.gathered import merge
from envlock.findings import Examined, Use

TF = ["tensorflow"]
ZEROS = ["numpy.zeros", "numpy.bool", "numpy.zeros(dtype)"]


def used(text: str) -> list[str]:
    """The names, in the order of the lines."""
    script = read_script(text)
    assert script is not None
    return [each.dotted for each in uses(script, "a.py")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import tensorflow as tf\ntf.contrib.rnn.X()", ["tensorflow", "tensorflow.contrib.rnn.X"]),
        ("from keras import layers as L\nL.merge.Add", ["keras.layers", "keras.layers.merge.Add"]),
        ("from keras.layers import *", ["keras.layers"]),
        ("import tensorflow as tf\nk = tf.io\nk.a", [*TF, "tensorflow.io", "tensorflow.io.a"]),
        ("from .keras import a\nimport json\njson.dumps", []),
        ("import numpy as np\nnp = 3\nnp.bool", ["numpy"]),
        ("import numpy as np\ndef f(np):\n    np.bool", ["numpy"]),
        ("import numpy as np\nnp.seterr = 1", ["numpy"]),
        ("import numpy\nnumpy.zeros(3, dtype=numpy.bool)", ["numpy", *ZEROS]),
        ("import numpy\nif hasattr(numpy, 'bool'):\n    numpy.bool", ["numpy"]),
        ("import keras\nif keras.__version__ < '3':\n    keras.wrappers", ["keras"]),
        ("if old():\n    import keras.wrappers\nelse:\n    import keras", []),
        ("try:\n    import keras.wrappers\nexcept ImportError:\n    keras = None", []),
        ("try:\n    import keras as k\nexcept ImportError:\n    import x as k\nk.wrappers", []),
    ],
)  # fmt: skip
def test_aliases_are_followed_and_what_is_not_sure_is_left_out(text: str, found: list[str]) -> None:
    assert used(text) == found


def test_an_object_is_of_the_class_that_made_it() -> None:
    text = "from keras.models import Model\nm = Model()\nm.predict_classes(x, verbose=0)\n"
    assert used(text)[1:] == [
        "keras.models.Model.predict_classes",
        "keras.models.Model.predict_classes(verbose)",
    ]
    assert used(text.replace("(x, verbose=0)", "_"))[1:] == []  # it may be the script's own
    assert "predict_classes" not in "".join(used(text.replace("m.pre", "m = other()\nm.pre")))


def test_python_2_and_magics_do_not_hide_the_rest() -> None:
    text = """\
%matplotlib inline
import numpy as np
print "a %s" % np.bool
try:
    x = `np.int`
except ValueError, e:
    raise ValueError, "no"
exec "code"
!pip install x
np.float
"""
    assert used(text) == ["numpy", "numpy.bool", "numpy.int", "numpy.float"]
    script = read_script("import numpy\nthis is no Python at all\nnumpy.bool\n")
    assert script is not None
    assert script.aside == (2,)
    assert without_magics("%%bash\nrm x") == ""
    assert without_magics("%%time\nx = 1") == "pass\nx = 1"


SCRIPT = """\
import tensorflow as tf
sess = tf.Session()
tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential()
try:
    model.save("x", save_format="tf")
except Exception as error:
    print(error)
"""


def told(examined: Examined) -> list[tuple[str, str]]:
    return [(each.id, each.evidence.partition(":")[2]) for each in diagnose(examined, ())]


def test_what_the_newest_release_lacks_is_told_where_no_version_is_known() -> None:
    found = examine_content(SCRIPT, "a.py")
    assert told(found) == [
        ("name-ended", "2: sess = tf.Session()"),
        ("name-ended", '6: model.save("x", save_format="tf")'),
    ]
    (session, saved) = diagnose(found, ())
    assert [each.text for each in session.remedies][:1] == ["tf.compat.v1.Session()"]
    assert (
        saved.title
        == "save_format= of tensorflow.keras.Sequential.save is only in TensorFlow 1.14 to 2.15"
    )
    (need,) = needs(found)
    assert need.text.startswith(
        "no release of TensorFlow on record has all of: tf.Session (a.py:2)"
    )


def test_with_versions_beside_it_what_breaks_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SCRIPT)
    (tmp_path / "requirements.txt").write_text("tensorflow==1.15.5\n")
    both = merge([examine_path(tmp_path / "a.py"), examine_path(tmp_path / "requirements.txt")])
    assert told(both) == [("name-not-yet", "3: tf.keras.utils.set_random_seed(1)")]
    (tmp_path / "requirements.txt").write_text("tensorflow==2.15.1\n")
    both = merge([examine_path(tmp_path / "a.py"), examine_path(tmp_path / "requirements.txt")])
    assert told(both) == [("name-ended", "2: sess = tf.Session()")]


def test_the_releases_that_have_all_are_those_between() -> None:
    text = "import tensorflow as tf\ntf.contrib.rnn\nimport numpy as np\nnp.bool\n"
    found = examine_content(text, "a.py")
    assert [each.text for each in needs(found)] == [
        "needs TensorFlow 1.13 to 1.15: tf.contrib.rnn (a.py:2)",
        "needs NumPy 1.13 to 1.23 or 2.0 to 2.5: np.bool (a.py:4)",
    ]


def test_the_cells_of_a_notebook_are_one_script_with_places_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["%pip install x\\n",'
        ' "import tensorflow as tf"]}, {"cell_type": "markdown", "source": "a\\nb"},'
        ' {"cell_type": "code", "source": "x = 1\\ntf.Session()"}]}'
    )
    places = {each.dotted: each.place for each in examine_path(path).uses}
    assert places == {
        "tensorflow": f"{path}:cell 1:2",
        "tensorflow.Session": f"{path}:cell 3:2",
    }


def test_a_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.py is no Python that envlock can read"):
        examine_content("\0\0", "a.py")


def test_a_use_says_where_it_stands() -> None:
    assert Use(dotted="a", where="a.py", line=3, column=1).place == "a.py:3"
