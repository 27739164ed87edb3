"""Which release has which name: what a table says, and that it never says more than it knows."""

import pytest
from packaging.version import Version

from envlock import names
from envlock.names import Move, Parameters, Table, is_there, token_at
from support.pace import assert_quick

TEXT = b"""\
envlock-api 1
distribution\tacme
releases\t1.0.3 1.1.0 2.0.1

acme\t\tm
acme.Model\t\tc(acme.Base)
acme.old\t-0,2-\tf(x);2:=acme.new
"""


def test_a_table_finds_each_of_its_lines_and_no_other() -> None:
    table = Table("acme", TEXT)
    assert table.releases == (Version("1.0.3"), Version("1.1.0"), Version("2.0.1"))
    assert [name for name, _, _ in table.lines()] == ["acme", "acme.Model", "acme.old"]
    assert table.token("acme", 1) == "m"
    assert table.token("acme.Model", 2) == "c(acme.Base)"
    assert [table.token("acme.old", at) for at in range(3)] == ["f(x)", None, "=acme.new"]
    for name in ("", "a", "acme.", "acme.Mode", "acme.Model2", "acme.zzz", "zzz"):
        assert table.token(name, 0) is None


def test_a_version_is_looked_up_by_its_minor() -> None:
    table = Table("acme", TEXT)
    found = [table.position(Version(each)) for each in ("1.0", "1.1.9", "2.0rc1", "2.1", "2")]
    assert found == [0, 1, 2, None, 2]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [("", [0, 1, 2, 3]), ("-1", [0, 1]), ("2-", [2, 3]), ("1-1,3-", [1, 3]), ("0-2", [0, 1, 2])],
)
def test_spans_name_positions(spans: str, expected: list[int]) -> None:
    assert [at for at in range(4) if is_there(spans, at)] == expected


def test_a_token_holds_until_the_next_one() -> None:
    assert [token_at("m;2:f(a,b=);4:v", at) for at in range(5)] == [
        "m",
        "m",
        "f(a,b=)",
        "f(a,b=)",
        "v",
    ]


@pytest.mark.parametrize(
    ("distribution", "version", "dotted", "expected"),
    [
        ("tensorflow", "1.15.5", "tensorflow.Session", True),
        ("tensorflow", "2.4.1", "tensorflow.Session", False),
        ("tensorflow", "2.15.0", "tensorflow.compat.v1.Session", True),
        ("tensorflow", "1.15.0", "tensorflow.contrib.layers.xavier_initializer", True),
        ("tensorflow", "2.0.0", "tensorflow.contrib", False),
        ("tensorflow", "2.10.1", "tensorflow.data.Dataset.batch", True),
        ("tensorflow", "2.10.1", "tensorflow.data.Dataset.make_one_shot_iterator", False),
        ("tensorflow", "2.8.0", "tensorflow.python.training.tracking", True),
        ("tensorflow", "2.15.0", "tensorflow.python.training.tracking", False),
        ("tensorflow", "2.5.0", "tensorflow.keras.Sequential.predict_classes", True),
        ("tensorflow", "2.6.0", "tensorflow.keras.Sequential.predict_classes", False),
        ("tensorflow", "2.6.0", "tensorflow.keras.Sequential.fit", True),
        ("tensorflow", "2.17.0", "tensorflow.keras.layers.Dense", True),
        ("keras", "3.5.0", "keras.wrappers", False),
        ("keras", "2.2.4", "keras.utils.np_utils.to_categorical", True),
        ("keras", "2.13.1", "keras.utils.np_utils", False),
        ("keras", "2.7.0", "keras.optimizers.Adam", False),
        ("keras", "3.5.0", "keras.optimizers.Adam", True),
        ("keras", "3.5.0", "keras.Model.fit_generator", False),
        ("keras", "3.5.0", "keras.Sequential.summary", True),
        ("h5py", "2.10.0", "h5py.Dataset.value", True),
        ("h5py", "3.1.0", "h5py.Dataset.value", False),
        ("numpy", "1.23.5", "numpy.bool", True),
        ("numpy", "1.24.0", "numpy.bool", False),
        ("numpy", "2.1.0", "numpy.bool", True),
        ("numpy", "1.26.4", "numpy.product", True),
        ("numpy", "2.0.0", "numpy.product", False),
    ],
)
def test_releases_have_the_names_that_they_are_known_for(
    distribution: str, version: str, dotted: str, *, expected: bool
) -> None:
    assert names.exists(distribution, Version(version), dotted) is expected


@pytest.mark.parametrize(
    ("distribution", "version", "dotted"),
    [
        ("tensorflow", "1.4.0", "tensorflow.Session"),
        ("tensorflow", "99.0", "tensorflow.Session"),
        ("tensorflow", "2.15.0", "tensorflow.python.ops.math_ops.add"),
        ("tensorflow", "2.15.0", "tensorflow.__version__.major"),
        ("no-such-thing", "1.0", "no.such.thing"),
        ("tensorflow", "2.15.0", "torch.Tensor"),
    ],
)
def test_what_no_table_says_is_not_known(distribution: str, version: str, dotted: str) -> None:
    assert names.exists(distribution, Version(version), dotted) is None


def test_the_release_of_another_distribution_decides_where_it_is_given() -> None:
    release = Version("2.17.0")
    name = "tensorflow.keras.wrappers.SKLearnClassifier"
    assert names.exists("tensorflow", release, name) is None
    assert names.exists("tensorflow", release, name, {"keras": Version("3.5.0")}) is False
    assert names.exists("tensorflow", release, name, {"keras": Version("3.10.0")}) is True
    assert names.exists("tensorflow", release, name, {"keras": Version("99.0")}) is None
    assert names.exists("tensorflow", release, name, {"keras": Version("2.15.0")}) is None


def test_parameters_of_functions_classes_and_inherited_methods() -> None:
    assert names.parameters("numpy", Version("1.26"), "numpy.prod") == Parameters(
        names=("a", "axis", "dtype", "out", "keepdims", "initial", "where"),
        required=("a",),
        any_positional=False,
        any_keyword=False,
    )
    saved = names.parameters("keras", Version("2.15"), "keras.Sequential.save")
    assert saved is not None
    assert saved.takes("save_format")
    dense = names.parameters("tensorflow", Version("2.10"), "tensorflow.keras.layers.Dense")
    assert dense is not None
    assert dense.required == ("units",)
    assert dense.any_keyword
    assert names.parameters("tensorflow", Version("2.10"), "tensorflow.float32") is None
    assert names.parameters("tensorflow", Version("2.10"), "tensorflow.Session") is None


def test_since_and_until_name_the_releases_at_the_ends() -> None:
    assert names.since("numpy", "numpy.bool") == Version("1.13.3")
    assert names.until("numpy", "numpy.bool") is None
    assert names.until("numpy", "numpy.product") == Version("1.26.4")
    assert names.until("tensorflow", "tensorflow.Session") == Version("1.15.5")
    assert names.since("tensorflow", "tensorflow.function") == Version("1.14.0")
    assert names.since("tensorflow", "tensorflow.no_such_name") is None
    assert names.until("tensorflow", "tensorflow.no_such_name") is None
    assert names.history("no-such-thing", "no.such") == ()


def test_a_move_is_found_for_a_name_and_for_what_is_in_it() -> None:
    session = names.moved("tensorflow.Session")
    assert session is not None
    assert (session.gone, session.write) == ("2.0", "tf.compat.v1.Session()")
    inside = names.moved("tensorflow.contrib.no_such.thing")
    assert inside is not None
    assert inside.name == "tensorflow.contrib"
    assert names.moved("tensorflow.add") is None
    assert names.moved("keras.optimizers.Adam(nothing)") is None
    assert isinstance(names.moved("keras.optimizers.Adam(lr)"), Move)


def test_a_name_leads_to_the_distribution_whose_table_has_it() -> None:
    assert names.distribution_of("sklearn.svm.SVC") == "scikit-learn"
    assert names.distribution_of("google.protobuf.message") == "protobuf"
    assert names.distribution_of("google.cloud") is None
    assert set(names.distributions()) >= {"tensorflow", "keras", "tf-keras", "h5py", "numpy"}


def test_the_largest_table_is_read_and_asked_in_thirty_milliseconds() -> None:
    def asked() -> None:
        names.names.cache_clear()
        names.exists("tensorflow", Version("2.15.0"), "tensorflow.Session")

    asked()
    assert_quick(0.03, asked)
