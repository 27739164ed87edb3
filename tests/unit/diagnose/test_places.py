"""A text is about its last exception; a warning in it is no cause."""

from envlock.diagnose import diagnose
from envlock.examine.logs import examine_text
from envlock.rules import database

RULES = database.load().rules
WARNED = """\
/e/lib/python3.10/site-packages/keras/src/layers/core/dense.py:87: UserWarning: Do not pass an \
`input_shape`/`input_dim` argument to a layer.
  super().__init__(activity_regularizer=activity_regularizer, **kwargs)
"""
OWN = """\
Traceback (most recent call last):
  File "train.py", line 9, in <module>
    print(table["price"])
KeyError: 'price'
"""
OTHER = """\
Traceback (most recent call last):
  File "/e/lib/python3.10/site-packages/cv2/__init__.py", line 181, in bootstrap
    native_module = importlib.import_module("cv2")
AttributeError: _ARRAY_API not found

Traceback (most recent call last):
  File "train.py", line 9, in <module>
    y = np_utils.to_categorical(y)
  File "/e/lib/python3.10/site-packages/acme/data.py", line 2, in <module>
    from keras.utils import np_utils
ImportError: cannot import name 'np_utils' from 'keras.utils' (/e/keras/utils/__init__.py)
"""


def ids(text: str) -> list[str]:
    return [each.id for each in diagnose(examine_text(text), RULES)]


def test_a_warning_is_no_cause_of_an_exception_after_it_or_before() -> None:
    assert ids(WARNED + OWN) == ["unexplained"]
    assert ids(OWN + WARNED) == ["unexplained"]
    assert "keras3-custom-input-shape" in ids(WARNED)


def test_the_last_exception_comes_before_what_was_raised_earlier() -> None:
    found = ids(OTHER)
    assert found[0] == "name-ended"
