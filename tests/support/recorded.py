"""What a lock says that it was asked for, as Hypothesis draws it."""

from __future__ import annotations

from hypothesis import strategies as st
from packaging.requirements import Requirement

from envlock.model import Recorded, Requested

_WISHES = ("tensorflow==2.15.1", "h5py", 'numpy<2; python_version < "3.13"', "keras[all]>=3,<4")
_ORIGINS = ("command line", "requirements.in:7", "pyproject.toml [project.dependencies]")
_VALUES = ("gpu", "cpu", "a name", "-r base's.in", 'h5py; sys_platform == "linux"', "#1")


def _wishes() -> st.SearchStrategy[tuple[Requested, ...]]:
    each = st.builds(
        lambda text, origin: Requested(requirement=Requirement(text), origin=origin),
        st.sampled_from(_WISHES),
        st.sampled_from(_ORIGINS),
    )
    return st.lists(each, max_size=3).map(tuple)


def recorded() -> st.SearchStrategy[Recorded]:
    """Return any record of a request."""
    values = st.lists(st.sampled_from(_VALUES), min_size=1, max_size=3).map(tuple)
    options = st.dictionaries(st.sampled_from(["extras", "exclude-newer", "env"]), values)
    return st.builds(Recorded, requirements=_wishes(), constraints=_wishes(), options=options)
