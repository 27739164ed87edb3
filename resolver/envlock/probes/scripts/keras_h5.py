"""Builds, trains, saves and loads small Keras models in the interpreter that runs it.

    python -I keras_h5.py RESULTS SECONDS [behind PACKAGE... | through PACKAGE LEVEL...]

Appends one JSON object a line to the file RESULTS: one before each level, so
that a crash is known to belong to it, and one after it. SECONDS is the time
limit that the caller keeps. The files go to the current folder.

The levels go through ``tf.keras``; with ``through`` those that are named go
through the Keras that PACKAGE (keras, tf-keras) is by itself, and are called
PACKAGE:LEVEL. Of the packages after ``behind`` the one that is behind
``tf.keras`` has its PACKAGE:import passed.

Runs on CPython 3.6 and later, TensorFlow 1.13 and later: nothing is imported
but the standard library and what is tried.
"""

import faulthandler
import json
import os
import random
import sys
import time
import traceback

TOLERANCE = 1e-5
LONGEST_TEXT = 8000  # characters


class NotApplicable(Exception):
    """The release has no such feature, so it is not tried."""


class Missing(Exception):
    """The package to be tried is not installed."""


class State:
    """What earlier levels leave for later ones."""

    tf = keras = keras_version = np = model = loaded = x = y = expected = None
    through = None  # the package whose Keras it is, None for that of TensorFlow


def import_h5py(state):
    h5py = imported("h5py")
    return "h5py %s with HDF5 %s" % (h5py.__version__, h5py.version.hdf5_version)


def import_tensorflow(state):
    if state.through:
        state.keras = imported(state.through.replace("-", "_"))
    state.tf = imported("tensorflow")
    if state.through:
        return "%s %s" % (state.through, state.keras.__version__)
    return "tensorflow %s" % state.tf.__version__


def fit(state):
    import numpy as np

    state.np, state.keras = np, state.keras or keras_of(state.tf)
    state.keras_version = version_of(state.keras)
    random.seed(1)
    np.random.seed(1)
    getattr(state.tf.compat, "v1", state.tf).set_random_seed(1)
    state.x = np.random.rand(8, 3).astype("float32")
    state.y = np.arange(8) % 2
    state.model = small_model(state)
    state.model.compile(
        optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    state.model.fit(state.x, state.y, epochs=1, verbose=0)
    state.expected = state.model.predict(state.x)
    whose = "" if root_of(state.keras) in ("keras", "tf_keras") else " of TensorFlow itself"
    return "Keras %s%s, NumPy %s" % (state.keras_version, whose, np.__version__)


def save(state):
    state.model.save("model.h5")


def load(state):
    state.loaded = state.keras.models.load_model("model.h5")
    return same(state, state.loaded.predict(state.x), state.expected)


def weights(state):
    state.model.save_weights("model.weights.h5")
    copy = state.keras.models.clone_model(state.model)
    copy.load_weights("model.weights.h5")
    return same(state, answers(state, copy), state.expected)


def custom_layer(state):
    class Scale(state.keras.layers.Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer="ones")
            super().build(input_shape)

        def call(self, inputs):
            return inputs * self.factor + self.bias

        def get_config(self):
            config = super().get_config()
            config["factor"] = self.factor
            return config

    inputs = state.keras.layers.Input(shape=(3,))
    model = state.keras.models.Model(inputs, Scale(2.0)(inputs))
    model.save("custom.h5")
    loaded = state.keras.models.load_model("custom.h5", custom_objects={"Scale": Scale})
    return same(state, answers(state, loaded), answers(state, model))


def load_compiled(state):
    model = small_model(state)
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.save("compiled.h5")
    loaded = state.keras.models.load_model("compiled.h5", compile=True)
    target = state.np.zeros((8, 2), "float32")
    expected = model.test_on_batch(state.x, target)
    return same(state, loaded.test_on_batch(state.x, target), expected, "losses and metrics")


def resume(state):
    before = state.loaded.get_weights()
    state.loaded.fit(state.x, state.y, epochs=1, verbose=0)
    pairs = zip(before, state.loaded.get_weights())
    if all(state.np.array_equal(old, new) for old, new in pairs):
        raise AssertionError("training changed no weight")


def savedmodel(state):
    if keras_release(state) >= (3,):
        state.model.export("exported")
        serve = state.tf.saved_model.load("exported").signatures["serving_default"]
        (name,) = serve.structured_input_signature[1]
        (answer,) = serve(**{name: state.tf.constant(state.x)}).values()
        return same(state, answer.numpy(), state.expected)
    if state.tf.__version__.startswith("1."):
        return savedmodel_of_tensorflow_1(state)
    state.model.save("exported", save_format="tf")
    loaded = state.keras.models.load_model("exported")
    return same(state, answers(state, loaded), state.expected)


def savedmodel_of_tensorflow_1(state):
    v1 = state.tf.compat.v1
    session = v1.keras.backend.get_session()
    inputs = {"inputs": state.model.inputs[0]}
    outputs = {"outputs": state.model.outputs[0]}
    v1.saved_model.simple_save(session, "exported", inputs, outputs)
    with v1.Session(graph=v1.Graph()) as fresh:
        meta = v1.saved_model.load(fresh, ["serve"], "exported")
        signature = meta.signature_def["serving_default"]
        answer = fresh.run(
            signature.outputs["outputs"].name, {signature.inputs["inputs"].name: state.x}
        )
    return same(state, answer, state.expected)


def keras_format(state):
    if keras_release(state) < (2, 12):
        raise NotApplicable(
            "Keras %s has no .keras format: it began with 2.12" % state.keras_version
        )
    state.model.save("model.keras")
    loaded = state.keras.models.load_model("model.keras")
    return same(state, answers(state, loaded), state.expected)


def recurrent(state):
    start_afresh(state)
    layers = state.keras.layers
    inputs = state.keras.layers.Input(shape=(2, 3))
    hidden = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(inputs)
    hidden = layers.GRU(2)(hidden)
    x = state.np.random.rand(8, 2, 3).astype("float32")
    # Building it has made graphs of all layers; one more for the training takes seconds.
    return through_h5(state, "recurrent.h5", inputs, hidden, x, run_eagerly=is_eager(state))


def convolution(state):
    start_afresh(state)
    layers = state.keras.layers
    inputs = state.keras.layers.Input(shape=(6, 6, 1))
    hidden = layers.Conv2D(2, 3, padding="same", activation="relu")(inputs)
    hidden = layers.BatchNormalization()(hidden)
    hidden = layers.MaxPooling2D(2)(hidden)
    hidden = layers.SeparableConv2D(3, 2)(hidden)
    hidden = layers.GlobalAveragePooling2D()(hidden)
    x = state.np.random.rand(8, 6, 6, 1).astype("float32")
    return through_h5(state, "convolution.h5", inputs, hidden, x)


def start_afresh(state):
    """Drop all models: TensorFlow 1 optimizes the one graph of all of them at every new call."""
    state.keras.backend.clear_session()


def through_h5(state, path, inputs, hidden, x, **how):
    """Train a classifier on top of ``hidden``, save it, and ask it and the loaded one the same."""
    model = state.keras.models.Model(
        inputs, state.keras.layers.Dense(2, activation="softmax")(hidden)
    )
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", **how)
    model.fit(x, state.y, epochs=1, verbose=0)
    model.save(path)
    loaded = state.keras.models.load_model(path, compile=False)
    return same(state, answers(state, loaded, x), answers(state, model, x))


# name, what must have passed before, what to do; those that start afresh come last
LEVELS = (
    ("import-h5py", (), import_h5py),
    ("import", (), import_tensorflow),
    ("fit", ("import",), fit),
    ("save", ("fit", "import-h5py"), save),
    ("load", ("save",), load),
    ("weights", ("fit", "import-h5py"), weights),
    ("custom-layer", ("fit", "import-h5py"), custom_layer),
    ("load-compiled", ("fit", "import-h5py"), load_compiled),
    ("resume", ("load",), resume),
    ("savedmodel", ("fit",), savedmodel),
    ("keras", ("fit",), keras_format),
    ("recurrent", ("fit", "import-h5py"), recurrent),
    ("convolution", ("fit", "import-h5py"), convolution),
)


def imported(name):
    try:
        return __import__(name)
    except ImportError as error:
        if error.name == name:
            raise Missing("%s is not installed" % name)
        raise


def keras_of(tf):
    if not hasattr(tf, "keras"):
        raise NotApplicable("TensorFlow %s has no tf.keras: it began with 1.4" % tf.__version__)
    return tf.keras


def version_of(keras):
    """Return the version of the package behind ``tf.keras``, which 2.13 to 2.15 do not say."""
    return getattr(keras, "__version__", None) or sys.modules[root_of(keras)].__version__


def root_of(keras):
    """Return the package that the code of a Keras is in."""
    return keras.models.Model.__module__.split(".")[0]


def keras_release(state):
    return tuple(int(part) for part in state.keras_version.split(".")[:2])


def small_model(state):
    layers = state.keras.layers
    inputs = state.keras.layers.Input(shape=(3,))
    hidden = layers.Dense(4, activation="relu")(inputs)
    return state.keras.models.Model(inputs, layers.Dense(2, activation="softmax")(hidden))


def is_eager(state):
    """Whether models can be called; those of Keras before 2.4 for several backends cannot."""
    eager = hasattr(state.tf, "executing_eagerly") and state.tf.executing_eagerly()
    return eager and not (state.through and keras_release(state) < (2, 4))


def answers(state, model, x=None):
    """Predict the quick way: ``predict`` of a new model first compiles it to a graph."""
    x = state.x if x is None else x
    if is_eager(state):
        return model(x).numpy()
    return model.predict(x)


def same(state, found, expected, what="predictions"):
    difference = float(state.np.max(state.np.abs(state.np.subtract(found, expected))))
    if not difference <= TOLERANCE:
        raise AssertionError("the %s differ by up to %g" % (what, difference))
    return "%s equal within %g" % (what, TOLERANCE)


def attempt(work, state):
    """Run one level and return what came of it."""
    started = time.time()
    result = {"outcome": "passed"}
    try:
        result["detail"] = work(state) or ""
    except NotApplicable as reason:
        result = {"outcome": "skipped", "detail": str(reason)}
    except (Exception, SystemExit) as error:
        missing = isinstance(error, Missing)
        result = {
            "outcome": "failed",
            "error": "ModuleNotFoundError" if missing else type(error).__name__,
            "detail": str(error)[:LONGEST_TEXT],
            "traceback": "" if missing else traceback.format_exc()[-LONGEST_TEXT:],
        }
    result["seconds"] = round(time.time() - started, 3)
    return result


def main(path, seconds, how=None, *words):
    faulthandler.enable()
    faulthandler.dump_traceback_later(0.9 * seconds)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_HOME"] = os.getcwd()  # else Keras writes a file to the home folder
    results = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(fact):
        os.write(results, (json.dumps(fact) + "\n").encode("ascii"))

    state = State()
    state.through = words[0] if how == "through" else None
    before = "%s:" % state.through if state.through else ""
    obstacles = {}  # level -> why what needs it is not tried
    asked = [each for each in LEVELS if not state.through or each[0] in words]
    for level, needs, work in asked:
        obstacle = next((obstacles[need] for need in needs if need in obstacles), None)
        if obstacle is not None:
            obstacles[level] = obstacle
            say({"level": before + level, "outcome": "skipped", "detail": obstacle})
            continue
        say({"start": before + level})
        result = attempt(work, state)
        if result["outcome"] == "skipped":
            obstacles[level] = result["detail"]
        elif result["outcome"] == "failed":
            missing = result["error"] == "ModuleNotFoundError" and not result["traceback"]
            obstacles[level] = result["detail"] if missing else "%s%s failed" % (before, level)
        say(dict(result, level=before + level))
    if how == "behind" and state.keras_version:
        for package in words:
            if root_of(state.keras) == package.replace("-", "_"):
                detail = "Keras %s, which is behind tf.keras" % state.keras_version
                say({"level": package + ":import", "outcome": "passed", "detail": detail})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # TensorFlow takes its time to be unloaded, and some releases crash in it


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
