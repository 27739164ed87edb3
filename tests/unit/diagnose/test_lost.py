"""What an error says is missing is answered from the tables of names, whichever name it is."""

import re

import pytest
from packaging.version import Version

from envlock import names
from envlock.diagnose import diagnose
from envlock.diagnose.deduced import known_of, usual_platform
from envlock.diagnose.lives import Life
from envlock.diagnose.releasing import older
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Finding
from envlock.releases import wheels_for
from envlock.rules import database
from envlock.rules.frameworks import framework

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
    "AttributeError: module 'tensorflow' has no attribute '_foobar'",
    "AttributeError: 'Sequential' object has no attribute 'foobar'",
    "AttributeError: module 'tensorflow.python.foo' has no attribute 'bar'",
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


@pytest.mark.parametrize(
    "text",
    [
        "AttributeError: module 'tensorflow.contrib.layers' has no attribute 'xavier_initializer'",
        "ImportError: cannot import name 'Convolution2D' from 'keras.layers.convolutional'",
        "module 'keras.backend.tensorflow_backend' has no attribute 'set_session'",
        "ModuleNotFoundError: No module named 'tensorflow.contrib.slim'",
    ],
)
def test_a_name_that_ended_with_what_it_was_in_is_never_said_to_be_there(text: str) -> None:
    found = first(text)
    assert found.id == "name-ended"
    assert found.remedies[0].kind == "code"


def test_a_name_between_two_releases_is_told_with_both_ends_where_nobody_knows_the_side() -> None:
    text = (
        "ImportError: cannot import name 'saving' from 'keras.engine' (/e/keras/engine/__init__.py)"
    )
    found = first(text)
    assert found.title == "keras.engine.saving is only in Keras 2.2 to 2.12"
    assert ways(found) == [
        "from keras.models import load_model",
        'envlock create "tensorflow==2.12.1" --python 3.11',
        "keras>=2.2,<2.13",
    ]
    known = first(text, "keras==2.1.6")
    assert known.title == "keras.engine.saving came with Keras 2.2"
    assert ways(known) == ["keras>=2.2"]


BEFORE = [
    # what ended before the tables begin, and the line to write
    ("module 'tensorflow' has no attribute 'mul'", "tf.multiply(x, y)"),
    (
        "TypeError: fit() got an unexpected keyword argument 'nb_epoch'",
        "model.fit(x, y, epochs=10)",
    ),
    (
        "TypeError: Conv2D.__init__() got an unexpected keyword argument 'dim_ordering'",
        'keras.layers.Conv2D(32, (3, 3), data_format="channels_last")',
    ),
    (
        "x = Dense(output_dim=3)\nTypeError: ('Keyword argument not understood:', 'output_dim')",
        "keras.layers.Dense(units=10)",
    ),
    (
        "TypeError: reduce_sum() got an unexpected keyword argument 'keep_dims'",
        "tf.reduce_sum(x, axis=1, keepdims=True)",
    ),
    (
        "TypeError: load_img() got an unexpected keyword argument 'grayscale'",
        'keras.utils.load_img(path, color_mode="grayscale")',
    ),
    ("AttributeError: 'DataFrame' object has no attribute 'ix'", "frame.loc[label]"),
    ("AttributeError: 'DataFrame' object has no attribute 'append'", "pd.concat([frame, other])"),
    ("AttributeError: module 'PIL.Image' has no attribute 'ANTIALIAS'", "Image.LANCZOS"),
    ("AttributeError: module 'scipy' has no attribute 'interp'", "np.interp(x, xp, fp)"),
]


@pytest.mark.parametrize(("text", "way"), BEFORE)
def test_what_is_known_by_hand_goes_where_no_table_does(text: str, way: str) -> None:
    found = first(text)
    assert (found.id, ways(found)[0]) == ("name-ended", way)


def test_a_name_that_no_release_has_is_misspelled_or_ones_own() -> None:
    found = first("AttributeError: module 'tensorflow' has no attribute 'reduce_summ'")
    assert (found.id, found.cause) == ("name-unknown", "code")
    assert found.title == "No TensorFlow from 1.13 to 2.21 has tensorflow.reduce_summ"
    assert ways(found)[0] == "tf.reduce_sum"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from keras.layers.recurrent import GRU", "from keras.layers import GRU"),
        ("from keras.layers.embeddings import Embedding", "from keras.layers import Embedding"),
        (
            "from tensorflow.keras.layers.core import Dense",
            "from tensorflow.keras.layers import Dense",
        ),
    ],
)
def test_the_one_public_name_that_ends_so_is_the_line_to_write(source: str, line: str) -> None:
    module = source.split()[1]
    found = first(f"    {source}\nModuleNotFoundError: No module named '{module}'")
    assert ways(found)[0] == line


def test_what_the_tables_say_of_a_name_stands_for_what_rules_say_of_all_names() -> None:
    text = "ModuleNotFoundError: No module named 'keras.engine.topology'"
    found = diagnose(examine_text(text), RULES)
    assert [each.id for each in found] == ["name-ended"]


@pytest.mark.parametrize("distribution", ["tensorflow", "keras"])
def test_each_release_that_is_proposed_has_a_wheel_for_the_python_beside_it(
    distribution: str,
) -> None:
    table = names.names(distribution)
    assert table is not None
    known = known_of(examine_text("x"))
    proposed = 0
    for release in table.releases:
        life = Life(
            distribution=distribution, dotted="keras.a", here=None, lacks=True, before=release
        )
        for way in older(life, known):
            pin = re.search(
                r"tensorflow==([\d.]+)\"? --python ([\d.]+)", way.text.replace('" "', '"')
            )
            assert pin is not None, way
            there = wheels_for(pin[2], usual_platform(None), framework().name).versions
            assert Version(pin[1]) in there
            proposed += 1
    assert proposed >= 10


def test_the_class_that_new_releases_have_is_likelier_meant_than_one_that_they_lack() -> None:
    found = first("AttributeError: 'Dense' object has no attribute 'output_shape'")
    assert found.title == "keras.layers.Dense.output_shape ended with Keras 2.15"


def test_a_loader_that_gives_names_is_not_who_asks_for_them() -> None:
    found = first(
        "Cell In[9], line 1\n----> 1 keras.wrappers\n\n"
        "File ~/e/lib/python3.9/site-packages/tensorflow/python/util/lazy_loader.py:59,"
        " in LazyLoader.__getattr__(self, item)\n---> 59   return getattr(module, item)\n\n"
        "AttributeError: module 'keras.api._v2.keras' has no attribute 'wrappers'"
    )
    assert found.id == "name-ended"
