"""A realistic lock, its files and hashes as PyPI lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.model import (
    DistributionFile,
    Lock,
    LockedPackage,
    Part,
    Recorded,
    Requested,
    RuleId,
    Selection,
    SelectionKind,
)

PYPI = "https://files.pythonhosted.org/packages"

_H5PY = (
    (
        "54/a4/974b666f64c339e5b0b44fc782edee92ab3341c17367a040e41f5132c15b",
        "h5py-3.7.0-cp310-cp310-manylinux_2_12_x86_64.manylinux2010_x86_64.whl",
        "04e2e1e2fc51b8873e972a08d2f89625ef999b1f2d276199011af57bb9fc7851",
        4463873,
        "2022-05-24T09:57:11.127885Z",
    ),
    (
        "bd/18/f5eed64fc06b9d17ef11647d6c5016b8a97e3abf0afe6d080c070027a195",
        "h5py-3.7.0-cp310-cp310-win_amd64.whl",
        "f514b24cacdd983e61f8d371edac8c1b780c279d0acb8485639e97339c866073",
        2619520,
        "2022-05-24T09:57:29.383766Z",
    ),
    (
        "c5/40/7cf58e6230f0e76699f011c6d293dd47755997709a303a4e644823f3a753",
        "h5py-3.7.0.tar.gz",
        "3fcf37884383c5da64846ab510190720027dca0768def34dd8dcb659dbe5cbf3",
        392355,
        "2022-05-24T09:59:22.252362Z",
    ),
)
_NUMPY = (
    (
        "e4/f3/679b3a042a127de0d7c84874913c3e23bb84646eb3bc6ecab3f8c872edc9",
        "numpy-1.23.5-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "5e05b1c973a9f858c74367553e236f287e749465f773328c8ef31abe18f691e1",
        17059657,
        "2022-11-20T01:22:30.262823Z",
    ),
    (
        "42/38/775b43da55fa7473015eddc9a819571517d9a271a9f8134f68fb9be2f212",
        "numpy-1.23.5.tar.gz",
        "1b1766d6f397c18153d40015ddfc79ddb715cabadc04d2d228d4e5a8bc4ded1a",
        10731755,
        "2022-11-20T01:31:41.068978Z",
    ),
)
_PROTOBUF = (
    (
        "26/ef/bd6ba3b4ff9a35944bdd325e2c9ee56f71e855757f7d43938232499f0278",
        "protobuf-3.19.6-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "11478547958c2dfea921920617eb457bc26867b0d1aa065ab05f35080c5d9eb6",
        1055327,
        "2022-09-29T21:17:41.054193Z",
    ),
    (
        "32/27/1141a8232723dcb10a595cc0ce4321dcbbd5215300bf4acfc142343205bf",
        "protobuf-3.19.6-py2.py3-none-any.whl",
        "14082457dc02be946f60b15aad35e9f5c69e738f80ebbc0900a19bc83734a5a4",
        162648,
        "2022-09-29T22:07:20.303542Z",
    ),
)
_PROTOBUF_OLDER = (
    (
        "65/7a/f3cbbb8ea5adea4ffc4bc5cf7e7d0b6e4b0ee3ebb5a3f4d2b26b7b0f5e33",
        "protobuf-3.19.5-py2.py3-none-any.whl",
        "e63b0b3c42e51c94add62b010366cd4979cb6d5f06158bcae8faac4c294f91e1",
        162649,
        "2022-09-14T18:13:20.303542Z",
    ),
)
_SIX = (
    (
        "d9/5a/e7c31adbe875f2abbb91bd84cf2dc52d792b5a01506781dbcf25c91daf11",
        "six-1.16.0-py2.py3-none-any.whl",
        "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
        11053,
        "2021-05-05T14:18:17.237677Z",
    ),
)
_TENSORFLOW = (
    (
        "b2/c3/668c91cc7074eed672691f130562c0f02d89aebf01f6e14f1741f7fb900b",
        "tensorflow-2.10.1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "20f1d579b849afaea7b10f7693dc43b1d07321d279a016f01e2ddfe971d0d8af",
        578143480,
        "2022-11-16T20:09:58.608839Z",
    ),
)


def locked(
    name: str,
    version: str,
    files: Iterable[tuple[str, str, str, int, str]],
    *,
    via: tuple[str, ...],
    because: tuple[str, ...] = (),
) -> LockedPackage:
    """Make a pin of files given as folder, name, sha256, size and upload time."""
    listed = tuple(
        DistributionFile(
            filename=filename,
            url=f"{PYPI}/{folder}/{filename}",
            hashes={"sha256": digest},
            size=size,
            upload_time=datetime.fromisoformat(moment),
        )
        for folder, filename, digest, size, moment in files
    )
    return LockedPackage(
        name=canonicalize_name(name),
        version=Version(version),
        hashes=tuple(sorted(f"sha256:{each.hashes['sha256']}" for each in listed)),
        via=via,
        because=tuple(map(RuleId, because)),
        files=listed,
    )


_PACKAGES = (
    locked("h5py", "3.7.0", _H5PY, via=("command line", "tensorflow")),
    locked(
        "numpy",
        "1.23.5",
        _NUMPY,
        via=(
            "h5py",
            "keras-preprocessing",
            "opt-einsum",
            "pandas",
            "scikit-learn",
            "tensorboard",
            "tensorflow",
        ),
        because=("tf-lt-212-numpy2", "tf-numpy-object-alias"),
    ),
    locked("protobuf", "3.19.6", _PROTOBUF, via=("tensorflow",), because=("tf-protobuf4",)),
    locked("six", "1.16.0", _SIX, via=("keras-preprocessing", "tensorflow")),
    locked("tensorflow", "2.10.1", _TENSORFLOW, via=("command line",)),
)


def with_packages(lock: Lock, packages: Iterable[LockedPackage]) -> Lock:
    """Return a lock of one platform with other Python packages."""
    return replace(lock, parts=(replace(lock.part, pypi=tuple(packages)),))


REALISTIC = Lock(
    parts=(Part(python="3.10", platform="linux-x86_64", pypi=_PACKAGES),),
    name="envlock",
    command="envlock lock tensorflow==2.10.1 h5py --python 3.10",
    request_digest="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    asked=Recorded(
        requirements=(
            Requested(requirement=Requirement("h5py"), origin="command line"),
            Requested(requirement=Requirement("tensorflow==2.10.1"), origin="command line"),
        ),
        constraints=(Requested(requirement=Requirement("numpy<2"), origin="bounds.txt:3"),),
        options={"format": ("requirements", "pylock"), "python": ("3.10",)},
    ),
    notes=("the GPU build of tensorflow 2.10 needs CUDA 11.2 and cuDNN 8.1",),
    reasons={
        RuleId("tf-lt-212-numpy2"): (
            "tensorflow before 2.12 was built against NumPy 1 and dies on import with NumPy 2"
        ),
        RuleId("tf-numpy-object-alias"): (
            "tensorflow before 2.11 uses np.object, which NumPy 1.24 took away"
        ),
        RuleId("tf-protobuf4"): (
            "protobuf 4 refuses the descriptors that this tensorflow was generated with"
        ),
    },
)

_OLDER = tuple(
    locked("protobuf", "3.19.5", _PROTOBUF_OLDER, via=("tensorflow",), because=("tf-protobuf4",))
    if package.name == "protobuf"
    else package
    for package in _PACKAGES
    if package.name != "six"
)
#: The same request on two platforms: a pin in another version, and one on the first only.
ON_TWO = replace(
    REALISTIC,
    parts=(
        REALISTIC.part,
        Part(python="3.10", platform="windows-x86_64", pypi=_OLDER),
    ),
    command="envlock lock tensorflow==2.10.1 h5py --platform linux-x86_64"
    " --platform windows-x86_64 --python 3.10",
)

GPU = Selection(kind=SelectionKind.EXTRA, name=canonicalize_name("gpu"))
PLOT = Selection(kind=SelectionKind.EXTRA, name=canonicalize_name("plot"))
DEV = Selection(kind=SelectionKind.GROUP, name=canonicalize_name("dev"))


def only(part: Part, **names: tuple[Selection, ...]) -> Part:
    """The part with packages that are for some extras and groups alone."""
    pypi = tuple(replace(each, only=names.get(each.name, ())) for each in part.pypi)
    return replace(part, pypi=pypi)


#: Extras and groups that can be chosen, not alike on both platforms.
TO_CHOOSE = replace(
    ON_TWO,
    parts=(
        only(ON_TWO.parts[0], h5py=(GPU,), numpy=(PLOT, DEV), six=(DEV,)),
        only(ON_TWO.parts[1], numpy=(GPU,), six=(DEV,)),
    ),
    selections=(GPU, PLOT, DEV),
)
