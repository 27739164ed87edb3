"""A TensorFlow, an h5py and a NumPy of a few lines each, which pass the real probe.

They are wheels for an index of `support.simple_index`; what they get wrong is
up to the test.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from envlock.targets.description import Interpreter
from envlock.targets.interpreters import available, find_interpreter
from support.distributions import build_wheel

#: The Python that the releases below are for: from 3.12 on rules ask for more beside them.
MINOR = "3.11"

_NUMPY = '''\
"""As much of NumPy as the probe and the use of it in uses.yaml need."""
import math

__version__ = "{version}"


class Array(list):
    def astype(self, kind):
        return self

    def __mod__(self, number):
        return Array(value % number for value in self)

    def sum(self):
        return sum(self)


class random:
    seed = staticmethod(lambda number: None)
    rand = staticmethod(lambda *shape: zeros(shape))


class linalg:
    solve = staticmethod(lambda identity, values: values)


def zeros(shape, kind=None):
    return Array([0.0] * math.prod(shape))


def arange(stop):
    return Array(range(stop))


def eye(size):
    return Array(Array(float(row == column) for column in range(size)) for row in range(size))


def ones(size):
    return Array([1.0] * size)


def subtract(one, other):
    return Array(a - b for a, b in zip(one, other, strict=True))


def abs(array):
    return Array(value if value > 0 else -value for value in array)


def array_equal(one, other):
    return list(one) == list(other)


_max, max = max, lambda array: _max(array)
'''

_H5PY = '''\
"""As much of h5py as the probe uses."""
__version__ = "{version}"


class version:
    hdf5_version = "1.14.2"
'''

_TENSORFLOW = '''\
"""As much of TensorFlow as the probe uses: a model has one weight, and predicts it."""
import json

{first}
import numpy

__version__ = "{version}"


def executing_eagerly():
    return True


class compat:
    class v1:
        set_random_seed = staticmethod(lambda number: None)


class Tensor:
    def __init__(self, values):
        self.numpy = lambda: numpy.Array(values)


class Layer:
    def __init__(self, *arguments, **options):
        pass

    def build(self, shape):
        pass

    def __call__(self, inputs):
        return inputs

    def get_config(self):
        return {{}}


class Model:
    __module__ = globals().get("KERAS", "keras.engine.training")
    weight = 1.0

    def __init__(self, inputs=None, outputs=None):
        self.inputs = [inputs]

    def compile(self, **options):
        pass

    def fit(self, *arguments, **options):
        self.weight += 1

    def predict(self, x):
        return numpy.Array([self.weight])

    def __call__(self, x):
        return Tensor([self.weight])

    def test_on_batch(self, x, y):
        return numpy.Array([self.weight])

    def get_weights(self):
        return [numpy.Array([self.weight])]

    def save(self, path, save_format=None):
        with open(path, "w") as file:
            json.dump(self.weight, file)

    save_weights = save

    def load_weights(self, path):
        with open(path) as file:
            self.weight = json.load(file)


def load_model(path, custom_objects=None, compile=True):
    {load}
    model = Model()
    model.load_weights(path)
    return model


class keras:
    __version__ = "{version}"
    Model = Model
    Input = staticmethod(lambda shape: None)

    class backend:
        clear_session = staticmethod(lambda: None)

    class layers:
        Input = staticmethod(lambda shape: None)
        Layer = Dense = Bidirectional = GRU = Layer
        Conv2D = SeparableConv2D = MaxPooling2D = GlobalAveragePooling2D = Layer
        BatchNormalization = Layer

        class LSTM(Layer):
            def __init__(self, *arguments, **options):
                {lstm}

    class models:
        Model = Model
        load_model = staticmethod(load_model)
        clone_model = staticmethod(lambda model: Model())
'''


def its_python() -> Interpreter:
    """Return the Python that the framework is for: the one that runs this, or another one here.

    A test that has none is skipped.
    """
    return _its_python() or pytest.skip(f"what this installs is for Python {MINOR}: none is here")


@cache
def _its_python() -> Interpreter | None:
    own = find_interpreter(None)
    return (
        own
        if minor_of(own) == MINOR
        else next((each for each in available() if minor_of(each) == MINOR), None)
    )


def minor_of(python: Interpreter) -> str:
    return f"{python.version.major}.{python.version.minor}"


def for_its_python() -> dict[str, str]:
    """Return what has the program work for the Python that the framework is for."""
    its = its_python()
    return {} if its == find_interpreter(None) else {"ENVLOCK_PYTHON": minor_of(its)}


def build_framework(
    folder: Path,
    version: str = "2.15.1",
    *,
    name: str = "tensorflow",
    first: str = "",
    load: str = "",
    lstm: str = "pass",
    tag: str = "py3-none-any",
    needs: tuple[str, ...] = ("h5py>=2.9.0", "numpy<2.0.0,>=1.23.5"),
) -> None:
    """Put a TensorFlow into an index's folder, with the h5py and NumPy it needs.

    ``first`` is run by ``import tensorflow``, ``load`` by ``load_model``, ``lstm``
    by ``LSTM()``; the defaults do nothing, and the environment passes the gate.
    """
    source = _TENSORFLOW.format(version=version, first=first, load=load, lstm=lstm)
    build_wheel(
        folder,
        name,
        version,
        requires=list(needs),
        files={"tensorflow.py": source},
        tag=tag,
    )
    for companion, source, versions in (
        ("h5py", _H5PY, ("3.10.0", "3.11.0")),
        ("numpy", _NUMPY, ("1.26.4", "2.0.2")),
    ):
        for each in versions:
            files = {f"{companion}.py": source.replace("{version}", each)}
            build_wheel(folder, companion, each, files=files)
