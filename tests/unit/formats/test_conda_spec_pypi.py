"""conda's words for packages and versions, which are not PEP 440."""

import pytest

from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_conda_spec

UNDERSTOOD = [
    # entry, name, range, one release
    ("python=3.8", "python", "==3.8.*", None),
    ("numpy=1.24.*", "numpy", "==1.24.*", None),
    ("numpy 1.8*", "numpy", "==1.8.*", None),
    ("h5py=2.10.0", "h5py", "", "2.10.0"),
    ("python==3.5.2", "python", "", "3.5.2"),
    ("tensorflow==2.3", "tensorflow", "", "2.3"),
    ("_license=1.1=py35_1", "license", "", "1.1"),
    ("numpy 1.8 py37_0", "numpy", "", "1.8"),
    ("x264=1!152.20180717=h470a237_0", "x264", "", "1!152.20180717"),
    ("anaconda=custom=py35_0", "anaconda", "", None),
    ("openssl=1.1.1k=h27cfd23_0", "openssl", "", None),
    ("tensorflow=2.4.*=gpu_*", "tensorflow", "==2.4.*", None),
    ("tensorflow=*=*cuda*", "tensorflow", "", None),
    ("pandas =2.0", "pandas", "==2.0.*", None),
    ("python > 3.11", "python", ">3.11", None),
    ("scipy   >=    1.5.0,  < 2.0.0", "scipy", "<2.0.0,>=1.5.0", None),
    ("keras <2.10.0,>=2.9.0rc0", "keras", "<2.10.0,>=2.9.0rc0", None),
    ("python>=3.6.*", "python", ">=3.6", None),
    ("python ~=3.7", "python", "~=3.7", None),
    ("numpy=1.8|1.9", "numpy", "", None),
    ("conda-forge::attrs >=21.2.0", "attrs", ">=21.2.0", None),
    ("conda-forge/linux-64::h5py=3.1", "h5py", "==3.1.*", None),
    ("https://104.17.92.24:443::flask=1.0.2", "flask", "", "1.0.2"),
    ("blas[build=mkl]", "blas", "", None),
    ("tensorflow[version='>=2.1,<2.5',build=gpu*]", "tensorflow", "<2.5,>=2.1", None),
    ("tzdata=2021a", "tzdata", "", "2021a0"),
    ("tensorflow-gpu=2.6", "tensorflow", "==2.6.*", None),
    ("pytorch::pytorch", "torch", "", None),
    (
        "https://conda.anaconda.org/main/linux-64/tensorflow-base-2.4.1-mkl_py39h43e0292_0.tar.bz2#ab",
        "tensorflow",
        "",
        "2.4.1",
    ),
]


@pytest.mark.parametrize(("entry", "name", "specifier", "version"), UNDERSTOOD)
def test_an_entry_is_a_package_and_a_range_or_one_release(
    entry: str, name: str, specifier: str, version: str | None
) -> None:
    found = parse_conda_spec(entry)
    assert (found.name, str(found.specifier)) == (name, specifier)
    assert (None if found.version is None else str(found.version)) == version


@pytest.mark.parametrize("entry", ["", "foo@1", "=>3.6", "a b c d", "numpy >=", "{{ pin }}"])
def test_what_is_no_entry_is_refused_in_words(entry: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_conda_spec(entry)
    assert caught.value.message == f'"{entry}" is not a package as conda writes one'
    assert caught.value.remedies == ('write it like "numpy=1.26"',)
