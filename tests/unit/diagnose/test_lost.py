"""What an error says is missing is answered from the tables of names, whichever name it is."""

import pytest

from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Finding
from envlock.rules import database

RULES = database.load().rules


def first(text: str, *lines: str) -> Finding:
    parts = [examine_text(text)]
    if lines:
        parts.append(examine_content("\n".join(lines), "requirements.txt"))
    return diagnose(merge(parts), RULES)[0]


def ways(finding: Finding) -> list[str]:
    return [each.text for each in finding.remedies]


FORMS = [
    # text, the title of the first finding, its first way out
    (
        "AttributeError: module 'tensorflow' has no attribute 'Session'",
        "tensorflow.Session ended with TensorFlow 1.15",
        "tf.compat.v1.Session()",
    ),
    (
        "AttributeError: module 'tensorflow._api.v2.train' has no attribute 'AdamOptimizer'",
        "tensorflow.train.AdamOptimizer ended with TensorFlow 1.15",
        "tf.keras.optimizers.Adam(learning_rate)",
    ),
    (
        "ModuleNotFoundError: No module named 'keras.wrappers'",
        "keras.wrappers ended with Keras 2.12",
        "from scikeras.wrappers import KerasClassifier",
    ),
    (
        "ImportError: cannot import name 'np_utils' from 'keras.utils' (/e/keras/__init__.py)",
        "keras.utils.np_utils ended with Keras 2.12",
        "from keras.utils import to_categorical",
    ),
    (
        "AttributeError: 'Sequential' object has no attribute 'predict_classes'",
        "tensorflow.keras.Sequential.predict_classes ended with TensorFlow 2.5",
        "model.predict(x).argmax(axis=-1)",
    ),
    (
        "AttributeError: 'Dataset' object has no attribute 'value'",
        "h5py.Dataset.value ended with h5py 2.10",
        "dataset[()]",
    ),
    (
        "TypeError: Adam.__init__() got an unexpected keyword argument 'lr'",
        "lr= of keras.optimizers.Adam ended with Keras 2.10",
        "keras.optimizers.Adam(learning_rate=0.001)",
    ),
    (
        "    opt = SGD(lr=0.1)\nTypeError: __init__() got an unexpected keyword argument 'lr'",
        "lr= of keras.optimizers.SGD ended with Keras 2.10",
        "keras.optimizers.SGD(learning_rate=0.01)",
    ),
    (
        "ValueError: Argument(s) not recognized: {'lr': 0.001}",
        "lr= of keras.optimizers.Adam ended with Keras 2.10",
        "keras.optimizers.Adam(learning_rate=0.001)",
    ),
    (
        "AttributeError: `np.product` was removed in the NumPy 2.0 release",
        "numpy.product ended with NumPy 1.26",
        "np.prod(a)",
    ),
    (
        "module 'numpy' has no attribute 'asscalar'",
        "numpy.asscalar ended with NumPy 1.22",
        "a.item()",
    ),
    (
        "ImportError: cannot import name 'cumtrapz' from 'scipy.integrate'",
        "scipy.integrate.cumtrapz ended with SciPy 1.13",
        "scipy.integrate.cumulative_trapezoid(y, x)",
    ),
    (
        "ImportError: cannot import name 'legacy' from 'tensorflow.keras.optimizers'",
        "tensorflow.keras.optimizers.legacy came with TensorFlow 2.9",
        "tensorflow>=2.9",
    ),
]


@pytest.mark.parametrize(("text", "title", "way"), FORMS)
def test_every_form_of_a_missing_name_is_answered_from_the_tables(
    text: str, title: str, way: str
) -> None:
    found = first(text)
    assert (found.title, ways(found)[0]) == (title, way)


def test_the_line_of_code_that_is_shown_says_which_name_was_meant() -> None:
    found = first(
        "    w = tf.contrib.layers.xavier_initializer()\n"
        "AttributeError: module 'tensorflow' has no attribute 'contrib'"
    )
    assert ways(found) == [
        "tf.keras.initializers.GlorotUniform()",
        'envlock create "tensorflow==1.15.5" --python 3.7',
    ]


def test_what_is_installed_and_the_python_decide_the_way_back() -> None:
    text = "ModuleNotFoundError: No module named 'tensorflow.keras.wrappers'"
    found = first(f"Python 3.11.4\n{text}", "tensorflow==2.15.0")
    assert found.because == (
        "tensorflow.keras.wrappers is in TensorFlow up to 2.12; TensorFlow 2.15.0 is here."
    )
    assert ways(found)[1] == "tensorflow==2.12.*"


LIBRARY = """\
  File "/e/lib/python3.10/site-packages/tflearn/variables.py", line 7, in <module>
    from tensorflow.contrib.framework.python.ops import add_arg_scope
ModuleNotFoundError: No module named 'tensorflow.contrib'
"""


def test_a_library_that_asks_is_the_side_to_change() -> None:
    found = first(LIBRARY, "tensorflow==2.15.0")
    assert list(found.packages) == ["tflearn", "tensorflow"]
    assert "It is tflearn that asks for it, variables.py." in found.because
    assert ways(found)[0].startswith("Take a release of tflearn that is made for your TensorFlow")


def test_a_name_that_is_there_speaks_of_files_and_not_of_versions() -> None:
    found = first("AttributeError: module 'tensorflow' has no attribute 'keras'")
    assert (found.id, found.cause) == ("name-there", "file")
    own = first(
        "ImportError: cannot import name 'keras' from partially initialized module 'tensorflow' "
        "(most likely due to a circular import) (C:\\me\\tensorflow.py)"
    )
    assert (own.id, own.cause) == ("shadowed-module", "code")
    assert "C:\\me\\tensorflow.py" in ways(own)[0]


SILENT = [
    "AttributeError: 'Adam' object has no attribute 'build'",
    "AttributeError: 'NoneType' object has no attribute 'shape'",
    "AttributeError: module 'tensorflow' has no attribute 'foobar'",
    "TypeError: train() got an unexpected keyword argument 'epochs'",
    "ImportError: cannot import name 'helper' from 'utils' (/home/u/utils.py)",
    "ModuleNotFoundError: No module named 'my_utils'",
]


@pytest.mark.parametrize("text", SILENT)
def test_what_no_table_says_is_not_told(text: str) -> None:
    assert first(text).id == "unexplained"


def test_a_module_that_is_not_there_is_told_by_its_distribution() -> None:
    found = first("ModuleNotFoundError: No module named 'keras_preprocessing'")
    assert (found.id, ways(found)[0]) == ("missing-module", "keras-preprocessing")
    assert "TensorFlow brought it along up to 2.10." in found.because
