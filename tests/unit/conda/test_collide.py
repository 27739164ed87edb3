"""One library from both sides is told, with the side to take."""

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.conda.collide import carriers, collisions
from envlock.model import CondaPackage, LockedPackage

H5PY = LockedPackage(name=canonicalize_name("h5py"), version=Version("3.11"))
SIX = LockedPackage(name=canonicalize_name("six"), version=Version("1.16"))
BECAUSE = (
    "a process that loads two copies of HDF5 stops, or writes damaged files, when their"
    " versions differ"
)


def conda(name: str, version: str, *depends: str) -> CondaPackage:
    return CondaPackage(
        name=name,
        version=version,
        build="0",
        build_number=0,
        subdir="linux-64",
        channel="c",
        url="u",
        depends=depends,
    )


SHARED = (conda("hdf5", "1.14.3"), conda("pytables", "3.9", "python", "hdf5 >=1.14.3,<1.14.4.0a0"))


def test_condas_side_is_proposed_where_the_channel_has_the_package() -> None:
    assert carriers([H5PY, SIX]) == ("h5py",)
    assert tuple(collisions(SHARED, [H5PY, SIX], {H5PY.name})) == (
        (
            "h5py 3.11 from pip carries HDF5 beside conda's hdf5 1.14.3 (for pytables): "
            f"{BECAUSE}; take conda's side: move h5py from pip's list to conda's"
        ),
    )


def test_pips_side_is_proposed_where_it_has_not() -> None:
    (said,) = collisions(SHARED, [H5PY], ())
    assert said.endswith("; take pip's side: move pytables to pip's list")


def test_nothing_is_said_where_only_one_side_brings_it() -> None:
    assert not tuple(collisions(SHARED, [SIX], ()))
    assert not tuple(collisions((), [H5PY], ()))
