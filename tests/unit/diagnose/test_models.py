"""Which environments load a model, and what keeps one from it."""

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.diagnose import loads, model_findings
from envlock.findings import Examined, Finding, Kind
from envlock.formats.model_file import ModelFile
from envlock.rules import database

RULES = database.load().rules


def model(
    name: str = "m.h5", version: str | None = None, *traits: str, **more: object
) -> ModelFile:
    kind = str(more.get("format", "keras" if name.endswith(".keras") else "hdf5"))
    return ModelFile(
        origin=name,
        format=kind,
        keras_version=Version(version) if version else None,
        traits=frozenset(traits),
        weights_only=bool(more.get("weights_only")),
        framework=Version(str(more["tensorflow"])) if "tensorflow" in more else None,
    )


LOADS = [
    # model, TensorFlow, Keras
    (model("m.h5", "3.8.0", "batch_shape"), ">=2.16", ">=3"),
    (model("m.keras", "3.8.0"), ">=2.16", ">=3"),
    (model("m.h5", "2.15.0"), ">=2.15", ""),
    (model("m.h5", "2.15.0", "time_major"), "<2.16,>=2.15", "<3"),
    (model("m.h5", "2.4.0", "groups"), "<2.16,>=2.3", "<3"),
    (model("m.keras", "2.13.1", "keras.src.engine"), "<2.16,>=2.13", "<3"),
    (model("m.h5", "2.3.0"), ">=2.1", ""),
    (model("m.h5", "2.2.4"), ">=1.14", ""),
    (model("m.h5", None), "", ""),
    (model("m.weights.h5", "2.4.0", weights_only=True), "", ""),
    (model("folder", format="savedmodel", tensorflow="2.12.1"), ">=2.12", ""),
]


@pytest.mark.parametrize(("given", "tensorflow", "keras"), LOADS)
def test_a_model_is_loaded_by_what_was_seen_to_load_such_a_model(
    given: ModelFile, tensorflow: str, keras: str
) -> None:
    found = loads(given)
    assert (str(found.framework), str(found.keras)) == (tensorflow, keras)


NOTES = [
    (
        model("m.h5", "2.15.0", "short-loss"),
        "Keras 3 loads it with compile=False only: its loss is saved by a short name",
    ),
    (
        model("m.keras", "2.12.0", format="hdf5"),
        "it is an HDF5 file in spite of its name: Keras 3 reads it once it is called .h5",
    ),
    (
        model("m.h5", None, weights_only=True),
        "it holds weights and no model: build the model in code and call load_weights",
    ),
    (
        model("m.h5", "2.4.0", "ragged"),
        "the keras package reads it from 2.4 on; before that, only tf.keras does",
    ),
    (
        model("m.h5", "2.4.0", "groups"),
        "Keras 3 does not know groups, which its DepthwiseConv2D layers were saved with",
    ),
]


@pytest.mark.parametrize(("given", "note"), NOTES)
def test_what_to_know_about_a_model_is_told(given: ModelFile, note: str) -> None:
    assert loads(given).notes == (note,)


def findings(given: ModelFile, **versions: str) -> tuple[Finding, ...]:
    packages = {canonicalize_name(name): Version(text) for name, text in versions.items()}
    examined = Examined(kind=Kind.ENVIRONMENT, origin="env", packages=packages, complete=True)
    return model_findings(loads(given), examined, RULES)


def test_a_model_of_keras_3_is_not_loaded_by_keras_2() -> None:
    (only,) = findings(model("m.h5", "3.8.0", "batch_shape"), tensorflow="2.15.1", keras="2.15.0")
    assert (only.id, only.severity) == ("keras-h5-saved-by-newer", "breaks")
    assert only.because == "m.h5 was written by Keras 3.8.0, and Keras 2.15.0 would load it here."
    assert only.remedies[0].text == "tensorflow>=2.16"


def test_the_keras_of_an_old_tensorflow_is_its_own() -> None:
    (only,) = findings(model("m.h5", "3.8.0", "batch_shape"), tensorflow="2.4.1")
    assert only.because == "m.h5 was written by Keras 3.8.0, and Keras 2 would load it here."


def test_a_model_of_keras_2_is_not_loaded_by_keras_3_where_it_has_parts_that_are_gone() -> None:
    given = model("m.h5", "2.15.0", "time_major")
    (only,) = findings(given, tensorflow="2.18.0", keras="3.8.0")
    assert only.because == (
        "m.h5 was written by Keras 2.15.0; Keras 3 does not know time_major, which its recurrent "
        "layers were saved with, and Keras 3.8.0 would load it here."
    )


def test_a_short_loss_is_met_by_keras_3() -> None:
    (only,) = findings(model("m.h5", "2.15.0", "short-loss"), tensorflow="2.18.0", keras="3.8.0")
    assert (only.id, only.severity) == ("keras3-h5-compiled-load", "degrades")


QUIET = [
    (model("m.h5", "2.15.0"), {"tensorflow": "2.15.1", "keras": "2.15.0"}),
    (model("m.h5", "2.4.0"), {"tensorflow": "2.18.0", "keras": "3.8.0"}),
    (model("m.keras", "2.15.0", "short-loss"), {"tensorflow": "2.18.0", "keras": "3.8.0"}),
    (model("m.h5", "3.8.0", "batch_shape"), {"numpy": "1.26.4"}),
]


@pytest.mark.parametrize(("given", "versions"), QUIET)
def test_nothing_is_found_where_it_loads_or_where_there_is_no_keras(
    given: ModelFile, versions: dict[str, str]
) -> None:
    assert findings(given, **versions) == ()
