"""Which modules a distribution is imported by, told by its files alone."""

from pathlib import Path

import pytest

from envlock.environment.records import read_site
from envlock.probes.modules import Modules, modules_of


def modules(site: Path, name: str, *files: str, record: bool = True, **contents: str) -> Modules:
    """Put a distribution into a folder, and ask for its modules."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (info / "INSTALLER").write_text("uv\n")
    for file in files:
        if not file.startswith(".."):
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).write_text(contents.get("text", ""))
    if record:
        lines = (*files, f"{info.name}/METADATA", f"{info.name}/RECORD")
        (info / "RECORD").write_text("".join(f"{each},,\n" for each in lines))
    if "top_level" in contents:
        (info / "top_level.txt").write_text(contents["top_level"])
    (found,) = read_site(site).distributions
    return modules_of(found)


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("scikit-learn", ("sklearn/__init__.py", "sklearn/svm/__init__.py"), ("sklearn",)),
        ("attrs", ("attr/__init__.py", "attrs/__init__.py"), ("attrs", "attr")),
        ("six", ("six.py", "__pycache__/six.cpython-311.pyc"), ("six",)),
        ("wrapped", ("wrapped.cpython-311-x86_64-linux-gnu.so",), ("wrapped",)),
        ("built", ("built/__init__.cpython-311-x86_64-linux-gnu.so",), ("built",)),
        (
            "protobuf",
            ("google/protobuf/__init__.py", "google/_upb/_message.so"),
            ("google.protobuf",),
        ),
        ("backports-zoneinfo", ("backports/zoneinfo.py",), ("backports.zoneinfo",)),
        ("many", ("one/__init__.py", "two/__init__.py"), ("one", "two")),
        ("pyyaml", ("yaml/__init__.py", "_yaml/__init__.py"), ("yaml",)),
    ],
)
def test_the_modules_are_those_at_the_top_and_in_namespaces(
    tmp_path: Path, name: str, files: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert modules(tmp_path, name, *files) == Modules(names=expected)


@pytest.mark.parametrize(
    "file",
    [
        "tests/__init__.py",
        "docs/conf.py",
        "examples/train.py",
        "demo.py",
        "setup.py",
        "other.py",
        "mylib/__main__.py",
        "mylib-stubs/__init__.pyi",
        "libmine.so",
        "data/x.json",
        "scripts/run/__init__.py",
    ],
)
def test_what_is_no_library_is_left_out(tmp_path: Path, file: str) -> None:
    assert modules(tmp_path, "my-lib", "mylib/__init__.py", file).names == ("mylib",)


def test_a_package_that_only_shares_its_folder_is_a_namespace(tmp_path: Path) -> None:
    share = "__import__('pkg_resources').declare_namespace(__name__)"
    found = modules(
        tmp_path, "acme-store", "acme/__init__.py", "acme/store/__init__.py", text=share
    )
    assert found.names == ("acme.store",)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (("requests-stubs/__init__.pyi",), "it has type stubs alone"),
        (("../../../bin/tool",), "it has programs alone"),
        (("share/words.txt",), "it has data alone"),
        ((), "it has no files and only asks for others"),
    ],
)
def test_what_has_no_module_says_why(tmp_path: Path, files: tuple[str, ...], why: str) -> None:
    assert modules(tmp_path, "mine", *files) == Modules(lacking=why)


def test_without_a_record_the_names_are_those_of_top_level(tmp_path: Path) -> None:
    found = modules(tmp_path, "mine", "a/__init__.py", record=False, top_level="a\ntests\n_b\n")
    assert found == Modules(names=("a",))


def test_without_both_it_is_the_module_of_its_own_name(tmp_path: Path) -> None:
    assert modules(tmp_path, "my-lib", "my_lib/__init__.py", record=False).names == ("my_lib",)


def test_where_nothing_tells_that_is_said(tmp_path: Path) -> None:
    found = modules(tmp_path, "mine", record=False)
    assert found == Modules(lacking="nothing tells its modules: no RECORD")
