"""A package made for another release of what it uses: which it is, and what goes with it."""

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Finding, Kind
from envlock.rules import database

RULES = database.load().rules
SIZE = "ValueError: numpy.dtype size changed, may indicate binary incompatibility. "
FOR_1 = f"{SIZE}Expected 96 from C header, got 88 from PyObject"


def frames(package: str) -> str:
    return (
        f'  File "/e/lib/python3.10/site-packages/{package}/__init__.py", line 3, in <module>\n'
        f"    from {package}._core import f\n"
    )


def first(text: str, *lines: str) -> Finding:
    parts = [examine_text(text)]
    if lines:
        parts.append(examine_content("\n".join(lines), "requirements.txt"))
    return diagnose(merge(parts), RULES)[0]


PAIRS = [
    # text, what else is known, the finding, its packages, its first way out
    (
        frames("pandas") + FOR_1,
        (),
        "companion-built-for-numpy1",
        ["pandas", "numpy"],
        "pandas>=2.2.2",
    ),
    (
        frames("sklearn") + FOR_1,
        ("numpy==2.1.0",),
        "companion-built-for-numpy1",
        ["scikit-learn", "numpy"],
        "scikit-learn>=1.4.2",
    ),
    (
        frames("cv2") + "AttributeError: _ARRAY_API not found\n"
        "ImportError: numpy.core.multiarray failed to import",
        (),
        "companion-built-for-numpy1",
        ["opencv-python", "numpy"],
        "opencv-python>=4.10.0.84",
    ),
    (frames("h5py") + FOR_1, (), "h5py-lt-311-numpy2", ["h5py", "numpy"], "h5py>=3.11"),
    (frames("acme") + FOR_1, (), "built-for-another", ["acme", "numpy"], "numpy<2"),
    (
        "ImportError: Numba needs NumPy 2.0 or less. Got NumPy 2.1.",
        (),
        "companion-built-for-numpy1",
        ["numba", "numpy"],
        "numba>=0.61",
    ),
    (
        "ImportError: Numba needs NumPy 1.22 or less",
        (),
        "built-for-another",
        ["numba", "numpy"],
        "numpy<1.23",
    ),
    (
        frames("transformers") + "ImportError: tokenizers>=0.11.1,!=0.11.3,<0.14 is required for a"
        " normal functioning of this module, but found tokenizers==0.15.0.",
        (),
        "built-for-another",
        ["transformers", "tokenizers"],
        "tokenizers!=0.11.3,<0.14,>=0.11.1",
    ),
    (
        frames("tensorflow_hub")
        + "ModuleNotFoundError: No module named 'tensorflow.python.training.tracking'",
        (),
        "companion-written-for-older",
        ["tensorflow-hub", "tensorflow"],
        "tensorflow-hub>=0.13",
    ),
    (
        frames("tensorflow_addons")
        + "ModuleNotFoundError: No module named 'tensorflow.python.trackable'",
        ("tensorflow==2.9.1",),
        "tfa-outside-window",
        ["tensorflow-addons", "tensorflow"],
        "tensorflow-addons<0.20,>=0.17",
    ),
]


@pytest.mark.parametrize(("text", "known", "name", "packages", "way"), PAIRS)
def test_the_one_whose_code_failed_is_named_with_the_release_that_goes(
    text: str, known: tuple[str, ...], name: str, packages: list[str], way: str
) -> None:
    found = first(text, *known)
    assert (found.id, list(found.packages)) == (name, packages)
    assert found.remedies[0].text == way


CROWD = ("tensorflow==2.15.1", "numpy==2.0.2", "h5py==3.9.0", "pandas==1.5.3", "acme==1.0")


@pytest.mark.parametrize(
    ("package", "name", "about"),
    [
        ("pandas", "companion-built-for-numpy1", "pandas"),
        ("h5py", "h5py-lt-311-numpy2", "h5py"),
        ("tensorflow", "numpy2-tf-abi", "tensorflow"),
        ("acme", "built-for-another", "acme"),
    ],
)
def test_of_many_that_were_built_for_numpy_1_the_one_that_failed_is_blamed(
    package: str, name: str, about: str
) -> None:
    found = first(frames(package) + "AttributeError: _ARRAY_API not found", *CROWD)
    assert (found.id, set(found.packages)) == (name, {about, "numpy"})


def test_a_package_that_was_seen_to_be_built_for_numpy_1_is_told_by_the_law_on_it() -> None:
    parts = [examine_text(frames("acme") + FOR_1), examine_content("\n".join(CROWD), "a.txt")]
    built = {canonicalize_name("acme"): Version("1.0")}
    (found, *_) = diagnose(replace(merge(parts), built=built, kind=Kind.ENVIRONMENT), RULES)
    assert (found.id, found.title) == ("wheel-built-for-numpy1", "acme 1.0 was built for NumPy 1")
    assert found.remedies[0].text == "numpy<2"


def test_a_package_whose_own_code_is_refused_is_a_mixture() -> None:
    found = first("numpy/random/mtrand.pyx in init numpy.random.mtrand()\n\n" + FOR_1)
    assert (found.id, found.title) == ("built-for-another", "NumPy is a mixture of two releases")
    assert found.remedies[0].text == "Start the kernel or the process again."


def test_a_process_that_holds_what_is_no_more_on_disk_is_started_again() -> None:
    found = first(frames("acme") + FOR_1, "numpy==1.26.4")
    assert found.id == "built-for-another"
    assert found.remedies[0].text == "Start the kernel or the process again."


def test_a_compiled_module_that_misses_symbols_of_the_framework_wants_another_build() -> None:
    found = first(
        frames("tensorflow_text")
        + "ImportError: /e/site-packages/tensorflow_text/x.so: undefined symbol: _ZN4absl12",
        "tensorflow==2.9.1",
        "tensorflow-text==2.9.0",
    )
    assert (found.id, list(found.packages)) == (
        "built-for-another",
        ["tensorflow-text", "tensorflow"],
    )


def test_names_that_python_itself_lost_or_got_later_are_told_with_the_python() -> None:
    gone = first("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'")
    assert (gone.title, gone.remedies[0].text) == (
        "pkgutil.ImpImporter is no more in Python 3.12",
        "setuptools>=66.1",
    )
    moved = first("ImportError: cannot import name 'Mapping' from 'collections'")
    assert (moved.title, moved.remedies[0].text) == (
        "collections.Mapping is no more in Python 3.10",
        "collections.abc.Mapping",
    )
    late = first("ImportError: cannot import name 'Literal' from 'typing'")
    assert (late.title, late.remedies[0].text) == (
        "typing.Literal came with Python 3.8",
        "typing-extensions",
    )
    text = "Python 3.9.1\nAttributeError: module 'pkgutil' has no attribute 'ImpImporter'"
    assert first(text).id == "unexplained"
