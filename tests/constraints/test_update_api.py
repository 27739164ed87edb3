"""The generator of the tables of names: their text, and a local index that gives ranges."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.names import Table, is_there, token_at
from support.simple_index import SimpleIndex, build_wheel
from tools import update_api
from tools.api_table import changes, differences, render, spans
from tools.update_api import main, packed, read_table

SCRIPTS = Path(update_api.__file__).parent / "scripts"
CONFIG = {
    "acme": {
        "imports": ["acme"],
        "oldest": "1.0",
        "renamed": {"acme_core": "acme"},
        "elsewhere": {"acme.plots": [{"since": "2.0", "name": "plots.api"}]},
    },
    "plots": {"imports": ["plots"], "oldest": "1.0"},
}


@given(st.lists(st.none() | st.sampled_from(["m", "f(x)", "f(x,y=)", "=a.b", "c(p.q,?)"])))
def test_spans_and_changes_say_what_each_release_has(tokens: list[str | None]) -> None:
    there = spans([token is not None for token in tokens])
    told = changes(tokens)
    again = [
        token_at(told, at) if any(tokens) and is_there(there, at) else None
        for at in range(len(tokens))
    ]
    assert again == tokens


def test_a_table_reads_as_it_was_written(tmp_path: Path) -> None:
    surfaces = {
        "1.0": {"acme": "m", "acme.old": "f(x)", "acme.f": "f(x)"},
        "1.1": {"acme": "m", "acme.f": "f(x)"},
        "2.0": {"acme": "m", "acme.old": "=acme.f", "acme.f": "f(x,y=)"},
    }
    text = render({"distribution": ["acme"]}, surfaces)
    assert text == (
        "envlock-api 1\ndistribution\tacme\nreleases\t1.0 1.1 2.0\n\n"
        "acme\t\tm\nacme.f\t\tf(x);2:f(x,y=)\nacme.old\t-0,2-\tf(x);2:=acme.f\n"
    )
    path = tmp_path / "acme.tsv.gz"
    path.write_bytes(packed(text))
    assert read_table(path) == surfaces
    assert packed(text) == packed(text)
    assert Table("acme", text.encode()).token("acme.old", 1) is None


def test_differences_name_the_releases() -> None:
    old = {"1.0": {"a": "m"}, "1.1": {"a": "m", "a.f": "f()"}}
    new = {"1.1": {"a": "m", "a.f": "f(x)"}, "1.2": {"a": "m"}}
    assert differences(old, new) == ["1.0: gone", "1.1: 1 names changed", "1.2: 1 names"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "distributions.json").write_text(json.dumps(CONFIG))
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Two minors of acme, an older patch, a shell that pulls acme in, and plots."""
    folder = tmp_path / "wheels"
    modules: dict[str, dict[str, str]] = {
        "1.0.0": {"acme/__init__.py": "broken ="},
        "1.0.1": {"acme/__init__.py": "from .ops import add", "acme/ops.py": "def add(x): ..."},
        "2.0.0": {
            "acme/__init__.py": "from acme_core import *",
            "acme_core/__init__.py": "from acme_core.ops import plus\nplots = None",
            "acme_core/ops.py": "def plus(x, y=1): ...",
            "acme_core/data.bin": "\0" * 300_000,
        },
    }
    for version, files in modules.items():
        add(build_wheel(folder, "acme", version), files)
    add(
        build_wheel(folder, "plots", "1.0"),
        {"plots/__init__.py": "def draw(): ...", "plots/a.py": ""},
    )
    return folder


def add(wheel: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def update(index: SimpleIndex, data: Path, *words: str) -> int:
    cache = data.parent / "cache"
    return main(["--index-url", index.url, "--data", str(data), "--cache", str(cache), *words])


def test_tables_are_made_from_parts_of_wheels_and_made_again_from_the_cache(
    data: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SimpleIndex(wheels, ranges=True) as index:
        assert update(index, data, "--check") == 1
        assert capsys.readouterr().out == (
            "acme 1.0.1: 4 names\nacme 2.0.0: 5 names\nplots 1.0: 3 names\n"
        )
        assert not list(data.glob("*.gz"))
        assert update(index, data) == 0
        capsys.readouterr()
        assert update(index, data, "--check") == 0
        assert capsys.readouterr().out == "nothing to change\n"
    assert read_table(data / "acme.tsv.gz") == {
        "1.0.1": {"acme": "m", "acme.add": "f(x)", "acme.ops": "m", "acme.ops.add": "=acme.add"},
        "2.0.0": {
            "acme": "m",
            "acme.ops": "m",
            "acme.ops.plus": "=acme.plus",
            "acme.plots": "=plots.api",
            "acme.plus": "f(x,y=)",
        },
    }


def test_an_index_without_a_distribution_is_refused(
    data: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (wheels / "plots-1.0-py3-none-any.whl").unlink()
    with SimpleIndex(wheels, ranges=True) as index:
        assert update(index, data, "--only", "plots") == 4
        assert capsys.readouterr().err == f"error: {index.url}: no release of plots found\n"


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_scripts_keep_to_the_syntax_of_python_3_6(script: Path) -> None:
    compile(script.read_bytes(), script.name, "exec", dont_inherit=True)
    import ast  # noqa: PLC0415

    ast.parse(script.read_text(), feature_version=(3, 6))


def test_an_interpreter_lists_what_it_imports(tmp_path: Path) -> None:
    package = tmp_path / "acme"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os\n"
        "from .ops import add\n"
        "class Base:\n    def run(self, x=1): ...\n"
        "class Sub(Base): ...\n"
        "__deprecated_attrs__ = {'old': 1}\n"
        "def __getattr__(name):\n"
        "    if name == 'old':\n        return 3\n"
        "    raise AttributeError(name)\n"
    )
    (package / "ops.py").write_text("def add(x, /, y, *, z=None): ...\n")
    (package / "broken.py").write_text("raise RuntimeError\n")
    done = subprocess.run(
        [sys.executable, SCRIPTS / "list_names.py", "acme"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "acme": "m",
        "acme.Base": "c()",
        "acme.Base.run": "f(x=)",
        "acme.Sub": "c(acme.Base)",
        "acme.add": "f(x,/,y,*,z=)",
        "acme.old": "v",
        "acme.ops": "m",
        "acme.ops.add": "=acme.add",
    }


def test_the_shipped_tables_are_those_that_are_listed() -> None:
    known = update_api.sources(update_api.DATA)
    shipped = {path.name.removesuffix(".tsv.gz") for path in update_api.DATA.glob("*.tsv.gz")}
    assert shipped == set(known)
    total = 0
    for path in update_api.DATA.glob("*.tsv.gz"):
        total += path.stat().st_size
        text = gzip.decompress(path.read_bytes()).decode()
        assert text.startswith(
            f"envlock-api 1\ndistribution\t{path.name.removesuffix('.tsv.gz')}\n"
        )
    assert total < 2_000_000
