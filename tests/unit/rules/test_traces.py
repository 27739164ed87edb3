"""Tracebacks of every shape are read alike: what was raised, through which frames, by whom."""

import pytest

from envlock.examine.logs import clean
from envlock.rules.traces import Raised, blamed, last_raised, package_of, raised
from support.pace import assert_quick

PYTHON = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    import pandas as pd
  File "/home/u/env/lib/python3.10/site-packages/pandas/__init__.py", line 22, in <module>
    from pandas.compat import is_numpy_dev as _is_numpy_dev
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "pandas/_libs/interval.pyx", line 1, in init pandas._libs.interval
ValueError: numpy.dtype size changed, may indicate binary incompatibility.
"""
IPYTHON_7 = """\
---------------------------------------------------------------------------
ImportError                               Traceback (most recent call last)
<ipython-input-1-ab01> in <module>
      1 import os
----> 2 import keras_cv

/usr/local/lib/python3.10/dist-packages/keras_cv/models/weights.py in <module>
     13 import tensorflow as tf
---> 14 from keras.utils import data_utils
     15

ImportError: cannot import name 'data_utils' from 'keras.utils'
"""
IPYTHON_8 = """\
ModuleNotFoundError                       Traceback (most recent call last)
Cell In[3], line 1
----> 1 import keras_tuner

File c:\\Python\\Lib\\site-packages\\keras_tuner\\src\\protos\\v4\\keras_tuner_pb2_grpc.py:17
     16 \"\"\"Client and server classes\"\"\"
---> 17 import grpc
     19 x = 1

ModuleNotFoundError: No module named 'grpc'
"""
COLAB = """\
ValueError                                Traceback (most recent call last)

[<ipython-input-12-0458d0993ec1>](https://localhost:8080/#) in <cell line: 0>()
      4 import matplotlib.pyplot as plt
----> 6 import pytorch_lightning as pl

22 frames

[/usr/local/lib/python3.11/dist-packages/numpy/random/_pickle.py](https://localhost:8080/#) in \
<module>
----> 1 from .mtrand import RandomState
      2 from ._philox import Philox

numpy/random/mtrand.pyx in init numpy.random.mtrand()

ValueError: numpy.dtype size changed, may indicate binary incompatibility.
"""
PYTEST = """\
tests/test_a.py:3: in <module>
    import tensorflow_addons
/opt/conda/lib/python3.10/site-packages/tensorflow_addons/layers/tlu.py:21: in <module>
    from tensorflow.python.trackable import base
E   ModuleNotFoundError: No module named 'tensorflow.python.trackable'
"""
DOCKER = "".join(f"app-1  | {line}\n" for line in PYTHON.splitlines())
SPYDER = """\
  File ~/anaconda3/envs/obspy/lib/python3.11/site-packages/keras/src/saving/api.py:196 in load
    return legacy_h5_format.load_model_from_hdf5(
ValueError: no
"""
CUT = """\
/lib/python3.10/site-packages/tensorflow/python/pywrap_tensorflow.py", line 62, in <module>
    from tensorflow.python._pywrap_tensorflow_internal import *
ImportError: libflatbuffers.so.23.3.3: cannot open shared object file
"""
ASKED = """\
Traceback (most recent call last):
  File "/e/lib/python3.9/site-packages/tf2onnx/utils.py", line 46, in <module>
    ONNX = {1: np.bool}
  File "/e/lib/python3.9/site-packages/numpy/__init__.py", line 305, in __getattr__
    raise AttributeError(__former_attrs__[attr])
AttributeError: module 'numpy' has no attribute 'bool'.
"""
IMPORTLIB = """\
Traceback (most recent call last):
  File "/e/lib/python3.10/site-packages/cv2/__init__.py", line 153, in bootstrap
    native_module = importlib.import_module("cv2")
  File "/usr/lib/python3.10/importlib/__init__.py", line 126, in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
AttributeError: _ARRAY_API not found
"""
MESSAGE = (
    "NotFoundError: dlopen(/Users/me/lib/python3.9/site-packages/tensorflow-plugins/"
    "libmetal_plugin.dylib, 6): Symbol not found: _TF_AssignUpdateVariable"
)
SHAPES = [
    # text, type, blamed package, line of code that raised
    (PYTHON, "ValueError", "pandas", ""),
    (DOCKER, "ValueError", "pandas", ""),
    (IPYTHON_7, "ImportError", "keras_cv", "from keras.utils import data_utils"),
    (COLAB, "ValueError", "numpy", ""),
    (IPYTHON_8, "ModuleNotFoundError", "keras_tuner", "import grpc"),
    (
        PYTEST,
        "ModuleNotFoundError",
        "tensorflow_addons",
        "from tensorflow.python.trackable import base",
    ),
    (SPYDER, "ValueError", "keras", "return legacy_h5_format.load_model_from_hdf5("),
    (
        CUT,
        "ImportError",
        "tensorflow",
        "from tensorflow.python._pywrap_tensorflow_internal import *",
    ),
    (ASKED, "AttributeError", "tf2onnx", "ONNX = {1: np.bool}"),
    (IMPORTLIB, "AttributeError", "cv2", 'native_module = importlib.import_module("cv2")'),
]


def last(text: str) -> Raised:
    found = last_raised(raised(clean(text)))
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "kind", "package", "source"), SHAPES)
def test_who_raised_is_read_from_frames_of_any_shape(
    text: str, kind: str, package: str, source: str
) -> None:
    found = last(text)
    blame = blamed(found)
    assert blame is not None
    assert blame.frame is not None
    assert (found.type, blame.package, blame.frame.source) == (kind, package, source)


def test_without_frames_the_library_in_the_message_or_the_import_above_is_to_blame() -> None:
    found = blamed(last(MESSAGE))
    assert found is not None
    assert found.distribution == "tensorflow-metal"
    above = blamed(last("import h5py\nValueError: numpy.dtype size changed"))
    assert above is not None
    assert above.distribution == "h5py"
    own = blamed(last("from keras.wrappers import x\nModuleNotFoundError: No module named 'keras'"))
    assert own is None
    assert blamed(last("ValueError: no")) is None


def test_code_of_the_users_own_is_to_blame_for_what_it_asks() -> None:
    text = 'File "/home/u/a.py", line 3, in <module>\n    tf.Session()\nAttributeError: module'
    blame = blamed(last(text))
    assert blame is not None
    assert (blame.package, blame.distribution) == ("", None)


def test_exceptions_come_in_their_order_and_a_warning_is_none() -> None:
    text = (
        "KeyError: 'a'\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
        "    g()\nmod.Odd: b\n  c\n"
        "/e/site-packages/keras/src/layers/core/dense.py:87: UserWarning: Do not pass input_shape\n"
        "  super().__init__()\n"
    )
    found = raised(text)
    assert [(each.type, each.chained, each.is_error) for each in found] == [
        ("KeyError", False, True),
        ("mod.Odd", True, True),
        ("UserWarning", False, False),
    ]
    assert found[1].message == "b\n  c"
    assert last_raised(found) is found[1]


def test_an_exception_in_the_middle_of_a_line_is_found_where_no_line_is_one() -> None:
    (only,) = raised("Original error was: No\nit said ImportError: no such thing\n")
    assert only.line == "ImportError: no such thing"


PLACES = [
    ("C:\\Users\\u\\Lib\\site-packages\\sklearn\\base.py", "sklearn"),
    ("/e/dist-packages/six.py", "six"),
    ("/e/site-packages/google/protobuf/message.py", "google.protobuf"),
    ("/e/site-packages/foo-1.2-py3.7.egg/foo/a.py", "foo"),
    ("/home/u/tensorflow/train.py", ""),
]


@pytest.mark.parametrize(("path", "package"), PLACES)
def test_the_package_of_a_file_is_its_folder_below_the_packages(path: str, package: str) -> None:
    assert package_of(path) == package


def test_ten_megabytes_are_read_quickly() -> None:
    text = PYTHON * (10_000_000 // len(PYTHON))
    assert_quick(1, lambda: raised(text))
