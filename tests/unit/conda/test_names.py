"""conda's names and PyPI's, both ways."""

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.conda.names import names, pypi_pins, python_of, unread
from envlock.model import CondaPackage


def package(name: str, version: str = "1.0", **more: object) -> CondaPackage:
    said: dict[str, object] = {"build": "0", "build_number": 0, "subdir": "noarch"}
    said |= {"channel": "c", "url": "u", "depends": ("python",), **more}
    return CondaPackage(name=name, version=version, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conda", "pypi"),
    [
        ("tensorflow-base", "tensorflow"),
        ("tensorflow-gpu", "tensorflow"),
        ("py-opencv", "opencv-python"),
        ("pytables", "tables"),
        ("opt_einsum", "opt-einsum"),
        ("python-flatbuffers", "flatbuffers"),
        ("h5py", "h5py"),
        ("flatbuffers", None),
        ("libclang", None),
        ("python", None),
    ],
)
def test_a_conda_package_has_a_name_on_pypi_or_none(conda: str, pypi: str | None) -> None:
    assert names().pypi(conda) == pypi


def test_a_project_may_be_in_several_conda_packages() -> None:
    tensorflow = names().conda(canonicalize_name("tensorflow"))
    assert {"tensorflow", "tensorflow-base", "tensorflow-gpu"} <= set(tensorflow)
    assert set(names().conda(canonicalize_name("ml-dtypes"))) >= {"ml-dtypes", "ml_dtypes"}
    assert "flatbuffers" not in names().conda(canonicalize_name("flatbuffers"))


def test_only_what_depends_on_python_provides_a_project() -> None:
    assert names().provided(package("hdf5", depends=())) is None
    assert names().provided(package("keras", depends=(), noarch="python")) == "keras"
    assert names().provided(package("h5py", depends=("python >=3.11", "hdf5"))) == "h5py"
    assert names().provided(package("odd", purls=("pkg:pypi/other@1.0?x=y",))) == "other"


def test_where_a_lock_tells_no_needs_the_build_tells_it_or_nothing_does() -> None:
    assert names().provided(package("h5py", depends=(), build="nompi_py311h_102")) == "h5py"
    assert names().provided(package("hdf5", depends=(), build="nompi_h_105")) is None
    assert names().provided(package("h5py", depends=(), build="")) == "h5py"


def test_the_pins_are_those_of_the_package_with_the_name_itself() -> None:
    packages = [
        package("tensorflow-base", "2.15.0"),
        package("tensorflow", "2.15.1"),
        package("python", "3.11.4", depends=()),
        package("odd", "1.0_build"),
        package("libprotobuf", "4.24.4", depends=()),
    ]
    assert pypi_pins(packages) == {"tensorflow": Version("2.15.1")}
    assert python_of(packages) == Version("3.11.4")
    assert unread(packages) == {"odd": "1.0_build"}


def test_every_library_is_carried_by_somebody_for_a_reason() -> None:
    for library in names().libraries:
        assert library.carried_by
        assert not library.because.endswith(".")
