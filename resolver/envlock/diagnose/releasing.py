"""The releases that have a name, as ways out that can be typed. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import names
from envlock.diagnose.deduced import usual_platform
from envlock.diagnose.lives import Life, life_of, members, verdicts, version_of
from envlock.model import Remedy, RemedyKind
from envlock.releases import framework_releases, pythons_for
from envlock.rules.check import Known
from envlock.rules.frameworks import framework
from envlock.versions import minor_of

_LEGACY = "tf-keras"
_KERAS_3 = Version("3")
#: TensorFlow 2, and the Keras that only leads to it.
_SECOND, _REDIRECTS = Version("2"), Version("2.4")


def older(life: Life, known: Known) -> Iterator[Remedy]:
    """Yield how to get a release that still has a name, the nearest first."""
    if life.before is None:
        return
    release = _framework_release(life, known)
    if release is not None:
        yield from _legacy(life, known)
        yield from _framework(release, known)
    elif life.distribution == "keras" and life.before < _KERAS_3:
        yield from _standalone(life.before, known)
    elif life.gone is not None:
        yield Remedy(kind=RemedyKind.INSTALL, text=f"{life.distribution}<{minor_of(life.gone)}")


def _standalone(release: Version, known: Known) -> Iterator[Remedy]:
    """An environment with a Keras from before it came with the framework, and one that fits."""
    companion = framework().keras
    if companion is None or release >= companion.same_from:
        return
    platform = usual_platform(known.situation.platform)
    beside = [each.version for each in framework_releases() if each.version < _SECOND]
    pythons = pythons_for(beside[-1], platform, framework().name) or ()
    if pythons and release < _REDIRECTS:
        asked = f'"keras=={release}" "{framework().name}=={beside[-1]}"'
        yield _typed(f"envlock create {asked} --python {pythons[-1]}")


def beside(life: Life) -> Iterator[Remedy]:
    """Yield the line that takes a name of Keras from the framework, where that has it all along."""
    its = names.history(framework().name, f"{framework().name}.{life.dotted}")
    lacking = {minor_of(each) for each, there in verdicts("keras", life.dotted) if there is False}
    meant = [there for each, there in its if minor_of(each) in lacking]
    if life.distribution == "keras" and meant and all(meant):
        owner, _, name = life.dotted.rpartition(".")
        yield Remedy(kind=RemedyKind.CODE, text=f"from {framework().name}.{owner} import {name}")


def newer(life: Life, known: Known) -> Iterator[Remedy]:
    """Yield how to get a release that has a name already."""
    since = life.since or life.after
    if since is None:
        return
    name = life.distribution
    companion = framework().keras
    if name == "keras" and companion is not None and since < companion.third_from:
        name = framework().name if since >= companion.same_from else name
    here = version_of(framework().name, known)
    if name == "keras" and companion is not None and here is not None and since >= _KERAS_3:
        # An older framework does not go with it, whatever pip lets in.
        name, since = (
            (name, since)
            if here >= companion.third_from
            else (framework().name, companion.third_from)
        )
    until, gone = "", life.gone
    if life.since is not None and gone is not None:
        if name != life.distribution and companion is not None and gone >= _KERAS_3:
            gone = companion.third_from
        until = f",<{minor_of(gone)}"
    yield Remedy(kind=RemedyKind.INSTALL, text=f"{name}>={minor_of(since)}{until}")


def reinstalled(life: Life) -> Iterator[Remedy]:
    """Yield how to put the files of one release in the place of what is there."""
    name = members(life.distribution)[0]
    if life.here is not None:
        yield _typed(f'python -m pip install --force-reinstall --no-deps "{name}=={life.here}"')
    else:
        yield _typed(f"python -m pip install --upgrade --force-reinstall --no-deps {name}")


def _typed(text: str) -> Remedy:
    return Remedy(kind=RemedyKind.COMMAND, text=text)


def _framework_release(life: Life, known: Known) -> Version | None:
    """The framework's release that has a name of its own, or of the Keras that comes with it."""
    companion, before = framework().keras, life.before
    if life.distribution == framework().name or before is None:
        return before
    if life.distribution != "keras" or companion is None or before >= _KERAS_3:
        return None
    if before >= companion.same_from:
        return next(
            (
                each.version
                for each in reversed(framework_releases())
                if minor_of(each.version) == minor_of(before)
            ),
            None,
        )
    its = life_of(f"{framework().name}.{life.dotted}", known)
    return its.before if its is not None and its.lacks else None


def _framework(release: Version, known: Known) -> Iterator[Remedy]:
    platform = usual_platform(known.situation.platform)
    pythons = pythons_for(release, platform, framework().name) or ()
    if not pythons:
        return
    python = known.situation.python
    name = _build(known)
    if python is not None and minor_of(python) in pythons:
        yield Remedy(kind=RemedyKind.INSTALL, text=f"{name}=={minor_of(release)}.*")
    else:
        yield _typed(f'envlock create "{framework().name}=={release}" --python {pythons[-1]}')


def _build(known: Known) -> NormalizedName:
    there = known.named(framework().name)
    own = {framework().name, framework().cpu}
    return next((each for each in there if each in own), framework().name)


def _legacy(life: Life, known: Known) -> Iterator[Remedy]:
    """Keras 2 beside a framework that has Keras 3, where it has the name."""
    companion, here = framework().keras, version_of(framework().name, known)
    if companion is None or here is None or here < companion.third_from:
        return
    name = life.dotted.removeprefix(f"{framework().name}.")
    if name.partition(".")[0] != "keras":
        return
    if names.exists(_LEGACY, here, name.replace("keras", "tf_keras", 1)):
        yield Remedy(
            kind=RemedyKind.ADVICE,
            text=f"Or keep {framework().title} with Keras 2: install"
            f' "{_LEGACY}=={minor_of(here)}.*" and set TF_USE_LEGACY_KERAS=1.',
        )
