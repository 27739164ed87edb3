"""conda's match specifications, in their parts and written again."""

import pytest

from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.model import CondaSpec

UNDERSTOOD = [
    ("python=3.8", CondaSpec(name="python", version="=3.8"), "python=3.8"),
    ("numpy 1.8*", CondaSpec(name="numpy", version="1.8*"), "numpy 1.8*"),
    ("numpy=1.8|1.9", CondaSpec(name="numpy", version="=1.8|1.9"), "numpy=1.8|1.9"),
    ("Pandas =2.0", CondaSpec(name="pandas", version="=2.0"), "pandas=2.0"),
    (
        "scipy   >=    1.5.0,  < 2.0.0",
        CondaSpec(name="scipy", version=">=1.5.0,<2.0.0"),
        "scipy >=1.5.0,<2.0.0",
    ),
    ("foo (>=1,<2)", CondaSpec(name="foo", version=">=1,<2"), "foo >=1,<2"),
    ("foo (>=1,<2)|>3", CondaSpec(name="foo", version="(>=1,<2)|>3"), "foo (>=1,<2)|>3"),
    (
        "x264=1!152.2=h470a237_0",
        CondaSpec(name="x264", version="=1!152.2", build="h470a237_0"),
        "x264=1!152.2=h470a237_0",
    ),
    (
        "anaconda=custom=py35_0",
        CondaSpec(name="anaconda", version="=custom", build="py35_0"),
        "anaconda=custom=py35_0",
    ),
    ("tf=*=*cuda*", CondaSpec(name="tf", version="=*", build="*cuda*"), "tf=*=*cuda*"),
    ("numpy=1.2=", CondaSpec(name="numpy", version="=1.2"), "numpy=1.2"),
    (
        "numpy 1.8 py37_0",
        CondaSpec(name="numpy", version="1.8", build="py37_0"),
        "numpy 1.8[build='py37_0']",
    ),
    (
        "torch>=1.0=cuda*",
        CondaSpec(name="torch", version=">=1.0", build="cuda*"),
        "torch >=1.0[build='cuda*']",
    ),
    ("blas[build=mkl]", CondaSpec(name="blas", version="=*", build="mkl"), "blas=*=mkl"),
    (
        "tf[version='>=2.1,<2.5', build=\"gpu*\"]",
        CondaSpec(name="tf", version=">=2.1,<2.5", build="gpu*"),
        "tf >=2.1,<2.5[build='gpu*']",
    ),
    (
        "tf=2.1[build=gpu*]",
        CondaSpec(name="tf", version="2.1.*", build="gpu*"),
        "tf 2.1.*[build='gpu*']",
    ),
    (
        "a[md5=0f,license=MIT]",
        CondaSpec(name="a", keys=(("license", "MIT"), ("md5", "0f"))),
        "a[license='MIT',md5='0f']",
    ),
    (
        "conda-forge::attrs >=21.2",
        CondaSpec(name="attrs", version=">=21.2", channel="conda-forge"),
        "conda-forge::attrs >=21.2",
    ),
    (
        "sleap/label/dev::tensorflow ==2.7.0",
        CondaSpec(name="tensorflow", version="==2.7.0", channel="sleap/label/dev"),
        "sleap/label/dev::tensorflow==2.7.0",
    ),
    (
        "conda-forge/linux-64::h5py=3.1",
        CondaSpec(name="h5py", version="=3.1", channel="conda-forge", subdir="linux-64"),
        "conda-forge/linux-64::h5py=3.1",
    ),
    (
        "h5py[channel=conda-forge,subdir=noarch]",
        CondaSpec(name="h5py", channel="conda-forge", subdir="noarch"),
        "conda-forge/noarch::h5py",
    ),
    (
        "https://104.17.92.24:443::flask=1.0.2",
        CondaSpec(name="flask", version="=1.0.2", channel="https://104.17.92.24:443"),
        "https://104.17.92.24:443::flask=1.0.2",
    ),
    (
        "https://host/main/linux-64/tensorflow-base-2.4.1-mkl_py39.tar.bz2#ab",
        CondaSpec(
            name="tensorflow-base",
            url="https://host/main/linux-64/tensorflow-base-2.4.1-mkl_py39.tar.bz2#ab",
        ),
        "https://host/main/linux-64/tensorflow-base-2.4.1-mkl_py39.tar.bz2#ab",
    ),
]


@pytest.mark.parametrize(("entry", "spec", "text"), UNDERSTOOD)
def test_an_entry_is_read_in_its_parts_and_written_so_that_it_reads_the_same(
    entry: str, spec: CondaSpec, text: str
) -> None:
    found = parse_spec(entry)
    assert (found, str(found)) == (spec, text)
    assert parse_spec(text) == spec


REFUSED = [
    ("", 'write it like "numpy=1.26"'),
    ("foo@1", 'write it like "numpy=1.26"'),
    ("=>3.6", 'write it like "numpy=1.26"'),
    ("numpy =>1.2", 'write "numpy >=1.2"'),
    ("a b c d", 'write it like "numpy=1.26"'),
    ("numpy >=", 'write it like "numpy=1.26"'),
    ("{{ pin }}", 'write it like "numpy=1.26"'),
    ("numpy; python_version<'3'", 'write it like "numpy=1.26"'),
    ("gym[atari]", 'write it like "numpy=1.26"'),
    ("::foo", 'write it like "numpy=1.26"'),
    ("foo (>=1", 'write it like "numpy=1.26"'),
    ("foo=1\n- evil", 'write it like "numpy=1.26"'),
]


@pytest.mark.parametrize(("entry", "remedy"), REFUSED)
def test_what_is_no_entry_is_refused_in_words(entry: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(entry)
    shown = entry.replace("\n", "\\n")
    assert caught.value.message == f'"{shown}" is not a package as conda writes one'
    assert caught.value.remedies == (remedy,)
