"""Findings as a person reads them and as a program does."""

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.causes import Cause
from envlock.diagnose import loads, report
from envlock.findings import Examined, Finding, Kind
from envlock.formats.model_file import ModelFile
from envlock.model import Condition, Platform, Remedy, RemedyKind, Severity, Stage

CONSEQUENCE = Finding(
    id="declared-conflict",
    title="t",
    severity=Severity.DECLARED,
    because="b",
    packages={},
)
FINDING = Finding(
    id="h5py3-str-decode",
    title="h5py 3 hands back str",
    severity=Severity.BREAKS,
    because="TensorFlow before 2.5 decodes every attribute itself, and h5py 3 hands back what is "
    "decoded already.",
    packages={
        canonicalize_name("tensorflow"): Version("2.4.1"),
        canonicalize_name("h5py"): None,
    },
    stage=Stage.LOAD,
    aliases=("old-name",),
    confidence=0.85,
    remedies=(
        Remedy(kind=RemedyKind.INSTALL, text="h5py>=2.10,<3 numpy<2"),
        Remedy(kind=RemedyKind.SETTING, text="A=1"),
        Remedy(kind=RemedyKind.CODE, text="one()\ntwo()"),
        Remedy(kind=RemedyKind.ADVICE, text="Move on."),
    ),
    sources=("https://example.org/1",),
    consequences=(CONSEQUENCE, CONSEQUENCE),
    evidence="AttributeError: no",
)


def test_a_finding_is_a_numbered_paragraph() -> None:
    assert report.findings_text([FINDING]) == (
        "1. h5py3-str-decode: h5py 3 hands back str\n"
        "   breaks at load, very likely; cause: version\n"
        "   seen on tensorflow 2.4.1\n"
        "   look at the version of h5py\n"
        "   TensorFlow before 2.5 decodes every attribute itself, and h5py 3 hands back"
        " what is decoded\n"
        "   already.\n"
        "   > AttributeError: no\n"
        '   try: install "h5py>=2.10,<3" "numpy<2"\n'
        "   or:  export A=1\n"
        "   or:  one()\n"
        "        two()\n"
        "   goes away with it: declared-conflict"
    )


def test_more_is_said_when_asked() -> None:
    said = report.findings_text([FINDING, CONSEQUENCE], verbose=True)
    assert "   or:  Move on.\n" in said
    assert "   https://example.org/1\n\n2. declared-conflict: t\n   declared only, certain" in said


def test_the_cause_and_the_releases_that_do_so_are_told() -> None:
    found = replace(
        FINDING,
        cause=Cause.FILE,
        releases=(Condition(package=NormalizedName("keras"), specifier=SpecifierSet(">=3")),),
    )
    said = report.findings_text([found])
    assert "   breaks at load, very likely; cause: file\n" in said
    assert "   known from keras >=3\n" in said
    (data,) = report.findings_data([found])
    assert (data["cause"], data["releases"]) == ("file", ["keras >=3"])


def test_the_data_begin_as_promised() -> None:
    (data,) = report.findings_data([FINDING])
    assert list(data)[:7] == [
        "rule",
        "aliases",
        "severity",
        "packages",
        "because",
        "remedy",
        "sources",
    ]
    assert data["packages"] == {"tensorflow": "2.4.1", "h5py": None}
    assert data["remedy"] == 'install "h5py>=2.10,<3" "numpy<2"'
    assert data["remedies"][1] == {"setting": "export A=1"}
    assert [each["rule"] for each in data["consequences"]] == ["declared-conflict"] * 2


def test_what_was_examined_is_one_line() -> None:
    examined = Examined(
        kind=Kind.FILE,
        origin="r.txt",
        packages={canonicalize_name("numpy"): Version("1")},
        python=Version("3.10"),
        platform=Platform(system="linux", machine=""),
        text="a\nb",
    )
    assert report.examined_text(examined) == (
        "examined r.txt: 1 package, Python 3.10, linux, 2 lines of text"
    )
    nothing = Examined(kind=Kind.FILE, origin="r.txt")
    assert report.examined_text(nothing) == "examined r.txt: nothing in it"
    assert report.examined_data(examined)["platform"] == "linux"


def test_a_model_is_a_few_lines() -> None:
    model = ModelFile(
        origin="m.h5",
        format="hdf5",
        keras_version=Version("2.15.0"),
        backend="tensorflow",
        traits=frozenset({"time_major"}),
    )
    assert report.loads_text(loads(model)) == (
        "model m.h5: hdf5, written by Keras 2.15.0, backend tensorflow\n"
        "   loads with tensorflow<2.16,>=2.15 and keras<3\n"
        "   Keras 3 does not know time_major, which its recurrent layers were saved with"
    )
    assert report.loads_data(loads(model))["loads_with"] == {
        "keras": "<3",
        "tensorflow": "<2.16,>=2.15",
    }
    bare = ModelFile(origin="m.h5", format="hdf5")
    assert report.loads_text(loads(bare)) == "model m.h5: hdf5, its writer is not told"
