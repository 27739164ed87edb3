"""Which environments load a saved model? Pure.

What is read by what was tried with Keras 2.4, 2.12 and 2.15 and with Keras
3.15, each loading what the others saved as .h5 and as .keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.causes import Cause
from envlock.findings import Examined, Finding
from envlock.model import Remedy, RemedyKind, Rule, Severity, Stage
from envlock.rules.frameworks import Companion, families, framework, frameworks
from envlock.versions import admits, minor_of

if TYPE_CHECKING:
    from envlock.formats.model_content import ModelContent
    from envlock.formats.model_file import ModelFile

GENERATIONS = "keras-h5-saved-by-newer"
SHORT_LOSS = "keras3-h5-compiled-load"

_KERAS_3 = Version("3")
#: What Keras 2 writes and Keras 3 does not read.
_REFUSED_BY_3 = {
    "time_major": "Keras 3 does not know time_major, which its recurrent layers were saved with",
    "groups": "Keras 3 does not know groups, which its DepthwiseConv2D layers were saved with",
    "keras.src.engine": "Keras 3 has no keras.src.engine, where the file looks for its model class",
}


class Loads(Struct, frozen=True, kw_only=True):
    """The versions that load a model, and what to know about it; empty ranges: any."""

    model: ModelFile
    keras: SpecifierSet
    framework: SpecifierSet
    notes: tuple[str, ...] = ()


class Looked(Struct, frozen=True, kw_only=True):
    """What was seen of the model files: what loads the first that is one, what is wrong."""

    model: Loads | None = None
    findings: tuple[Finding, ...] = ()


def content_finding(origin: str, found: ModelContent, rules: Iterable[Rule]) -> Finding:
    """Return what is wrong with a file that should be a model, by what is in it."""
    rule = next((each for each in rules if each.id == found.explains), None)
    return Finding(
        id=found.explains,
        title=rule.title if rule else "The file is no model",
        severity=Severity.BREAKS,
        because=f"{origin} {found.what}.",
        packages={},
        cause=Cause.FILE,
        stage=Stage.LOAD,
        confidence=0.99,
        remedies=(found.remedy,) if found.remedy else (),
    )


def loads(model: ModelFile) -> Loads:
    """Return what loads a model."""
    if model.format == "savedmodel":
        return _saved_model(model)
    notes = list(_notes(model))
    third = _companion().third_from
    if model.weights_only or model.generation is None:
        return Loads(
            model=model, keras=SpecifierSet(), framework=SpecifierSet(), notes=tuple(notes)
        )
    if model.generation >= _KERAS_3.major:
        return Loads(
            model=model,
            keras=SpecifierSet(">=3"),
            framework=SpecifierSet(f">={third}"),
            notes=tuple(notes),
        )
    refusals = [why for trait, why in _REFUSED_BY_3.items() if trait in model.traits]
    upper = "<3" if refusals else ""
    return Loads(
        model=model,
        keras=SpecifierSet(upper),
        framework=SpecifierSet(",".join(filter(None, (_floor(model), upper and f"<{third}")))),
        notes=(*refusals, *notes),
    )


def model_findings(found: Loads, examined: Examined, rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """Return what keeps an environment from loading a model."""
    known: dict[str, Rule] = {rule.id: rule for rule in rules}
    keras = _keras_of(examined)
    if keras is None:
        return ()
    seen = {name: examined.packages[name] for name in _named(examined)}
    findings = []
    if not admits(found.keras, keras):
        needed = f"{found.model.origin} was written by Keras {_writer(found.model)}"
        why = "; ".join((needed, *found.notes[:1])) if found.model.generation == 2 else needed  # noqa: PLR2004
        because = f"{why}, and Keras {keras} would load it here."
        cpu = framework().cpu
        build = cpu if cpu in seen else framework().name
        cure = Remedy(kind=RemedyKind.INSTALL, text=f"{build}{found.framework}")
        findings.append(_finding(known.get(GENERATIONS), GENERATIONS, because, seen, cure))
    elif keras >= _KERAS_3 and _is_short(found.model):
        because = (
            f"{found.model.origin} is compiled with a loss that is saved by its short name, "
            f"which Keras {keras} does not find again."
        )
        findings.append(_finding(known.get(SHORT_LOSS), SHORT_LOSS, because, seen, None))
    return tuple(findings)


def _finding(
    rule: Rule | None,
    name: str,
    because: str,
    packages: dict[NormalizedName, Version],
    cure: Remedy | None,
) -> Finding:
    remedies = rule.remedies if rule else ()
    return Finding(
        id=name,
        title=rule.title if rule else "This environment does not load the model",
        severity=rule.severity if rule else Severity.BREAKS,
        because=because,
        packages=dict(packages),
        stage=Stage.LOAD,
        aliases=rule.aliases if rule else (),
        confidence=0.95,
        remedies=(*([cure] if cure else []), *remedies),
        sources=tuple(link for item in (rule.evidence if rule else ()) for link in item.links),
    )


def _saved_model(model: ModelFile) -> Loads:
    version = model.framework
    floor = SpecifierSet(f">={minor_of(version)}") if version else SpecifierSet()
    notes = ["tf.saved_model.load reads it with every TensorFlow that is not older"]
    if "keras_metadata" in model.traits:
        notes.append(
            "keras.models.load_model reads it before Keras 3; from then on it is "
            'keras.layers.TFSMLayer("folder", call_endpoint="serving_default")'
        )
    return Loads(model=model, keras=SpecifierSet(), framework=floor, notes=tuple(notes))


def _notes(model: ModelFile) -> Iterator[str]:
    if model.weights_only:
        yield "it holds weights and no model: build the model in code and call load_weights"
    if model.format == "hdf5" and model.origin.endswith(".keras"):
        yield "it is an HDF5 file in spite of its name: Keras 3 reads it once it is called .h5"
    if _is_short(model):
        yield "Keras 3 loads it with compile=False only: its loss is saved by a short name"
    if model.generation == 2 and "ragged" in model.traits:  # noqa: PLR2004  (Keras 2)
        yield "the keras package reads it from 2.4 on; before that, only tf.keras does"


def _is_short(model: ModelFile) -> bool:
    return model.format == "hdf5" and "short-loss" in model.traits


def _floor(model: ModelFile) -> str:
    """The oldest framework whose Keras is not older than the one that wrote the file."""
    version = model.keras_version
    if version is None:
        return ""
    minor = minor_of(version)
    return f">={_companion().first_with(version, minor)}"


def _companion() -> Companion:
    """Which releases come with which Keras, of the framework whose Keras wrote the .h5 files."""
    return next(each.keras for each in frameworks() if each.keras is not None)


def _writer(model: ModelFile) -> str:
    return str(model.keras_version or model.generation)


def _keras_of(examined: Examined) -> Version | None:
    """The Keras that load_model would be of: the package, or what the framework brings."""
    for name in families().members(NormalizedName("keras")):
        if name in examined.packages:
            return examined.packages[name]
    for name in framework().members:
        version = examined.packages.get(name)
        if version is not None:
            return _KERAS_3 if version >= _companion().third_from else Version("2")
    return None


def _named(examined: Examined) -> list[NormalizedName]:
    names = ("keras", framework().name)
    members = [m for name in names for m in families().members(NormalizedName(name))]
    return [name for name in members if name in examined.packages]
