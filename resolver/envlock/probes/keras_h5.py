"""The probe of TensorFlow, Keras and h5py: a small model trained, saved and loaded again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Stage
from envlock.outcomes import Outcome, Passed
from envlock.probes.interface import Level, Probe, WayRound

# Keras 3 looks up the short names of losses and metrics among its classes when
# it reads .h5 files; before 3.3 it does so even with compile=False.
_COMPILE_AGAIN = WayRound(
    message=r"Could not locate function 'm[sa]e'|Could not deserialize 'keras\.metrics\.m[sa]e'",
    advice="load with load_model(path, compile=False) and compile again (Keras 3.3 and later), "
    "or compile with keras.losses.MeanSquaredError() in place of 'mse', or save to .keras",
)
_OPTIMIZER_LOST = WayRound(
    message=r"Unknown variable: |numpy\(\) is only available when eager execution is enabled",
    advice="load with load_model(path, compile=False) and compile again (the optimizer starts "
    "anew), or save to .keras",
)
# custom_objects= has no effect on .h5 files in Keras 3.0 to 3.2.
_OBJECTS_IGNORED = WayRound(
    message=r"Unknown layer: ",
    advice="load inside `with keras.utils.custom_object_scope({'NAME': CLASS}):`, "
    "or take Keras 3.3 or later",
)

#: What a trained model says of the Keras that made it.
_KERAS = re.compile(r"Keras (?P<version>[^\s,]+)")


def keras_aside(
    outcomes: Iterable[Outcome], pins: Mapping[NormalizedName, Version]
) -> dict[str, str]:
    """Say of an installed Keras that it is not the one that the levels were tried with."""
    fit = next((each for each in outcomes if each.level == "fit"), None)
    found = _KERAS.search(fit.detail) if isinstance(fit, Passed) else None
    own = pins.get(NormalizedName("keras"))
    if found is None or own is None or str(own) == found["version"]:
        return {}
    return {"keras": f"tf.keras is Keras {found['version']}"}


KERAS_H5 = Probe(
    name="keras-h5",
    script="keras_h5.py",
    others=("keras", "tf-keras"),
    levels=(
        Level(
            name="import-h5py",
            proves="h5py can be imported",
            lacking="h5py cannot be imported",
            package="h5py",
            stage=Stage.IMPORT,
            in_default_gate=True,
        ),
        Level(
            name="import",
            proves="tensorflow can be imported",
            lacking="tensorflow cannot be imported",
            stage=Stage.IMPORT,
            in_default_gate=True,
        ),
        Level(
            name="fit",
            proves="a model is built, compiled and trained",
            lacking="no model can be built, compiled and trained",
            stage=Stage.FIT,
            in_default_gate=True,
        ),
        Level(
            name="save",
            proves="a trained model is saved to .h5",
            lacking="a trained model cannot be saved to .h5",
            stage=Stage.SAVE,
            in_default_gate=True,
        ),
        Level(
            name="load",
            proves="it is loaded from .h5 and predicts the same",
            lacking="a model that was saved to .h5 is not loaded, or predicts something else",
            stage=Stage.LOAD,
            in_default_gate=True,
        ),
        Level(
            name="weights",
            proves="weights are saved to .weights.h5 and loaded",
            lacking="weights do not go through .weights.h5",
            stage=Stage.LOAD,
        ),
        Level(
            name="custom-layer",
            proves="a model with a layer of one's own goes through .h5",
            lacking="a model with a layer of one's own does not go through .h5",
            stage=Stage.LOAD,
            in_default_gate=True,
            ways_round=(_OBJECTS_IGNORED,),
        ),
        Level(
            name="load-compiled",
            proves="a model compiled with loss='mse' is loaded compiled from .h5",
            lacking="a model compiled with loss='mse' is not loaded compiled from .h5",
            ways_round=(_COMPILE_AGAIN,),
        ),
        Level(
            name="resume",
            proves="training goes on after loading from .h5",
            lacking="training does not go on after loading from .h5",
            stage=Stage.RESUME,
            ways_round=(_OPTIMIZER_LOST,),
        ),
        Level(
            name="savedmodel",
            proves="a model goes through a SavedModel folder",
            lacking="a model does not go through a SavedModel folder",
            stage=Stage.SAVEDMODEL,
        ),
        Level(
            name="keras",
            proves="a model goes through a .keras file",
            lacking="a model does not go through a .keras file",
        ),
        Level(
            name="recurrent",
            proves="LSTM, GRU and Bidirectional are built and trained, and go through .h5",
            lacking="LSTM, GRU or Bidirectional are not built or trained, or do not go through .h5",
            stage=Stage.RECURRENT,
        ),
        Level(
            name="convolution",
            proves="convolutions, pooling and BatchNormalization are trained and go through .h5",
            lacking="convolutions, pooling or BatchNormalization fail in training or through .h5",
            stage=Stage.CONVOLUTION,
        ),
    ),
)
