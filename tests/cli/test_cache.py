"""`envlock cache`: where the caches are, how large, and that only what is envlock's goes."""

import ast
import re
from pathlib import Path

import pytest

from envlock.system import CACHES
from support.program import Program

PACKAGE = Path(__file__).parents[2] / "resolver" / "envlock"


def test_where_and_how_large(envlock: Program) -> None:
    assert envlock("create", "h5py").code == 0
    where = envlock("cache", "dir")
    assert where.out == (
        f"envlock  {envlock.cache}  (ENVLOCK_CACHE_DIR)\n"
        f"uv       {envlock.root / 'uv'}  (UV_CACHE_DIR)\n"
    )
    data = envlock("cache", "size", "--json").data
    assert [each["name"] for each in data["caches"]] == ["envlock", "uv"]
    assert data["parts"]["index"] > 0
    assert data["caches"][1]["size"] > 0
    assert re.search(r"(?m)^uv +\d[\d.]* [kMG]B  ", envlock("cache", "size").out)


def test_clean_takes_only_what_is_envlocks(envlock: Program, tmp_path: Path) -> None:
    assert envlock("create", "tensorflow").code == 0
    (envlock.cache / "thesis.txt").write_text("years\n")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (envlock.cache / "solved").symlink_to(tmp_path / "precious")
    done = envlock("cache", "clean")
    assert (done.code, done.out.endswith("freed\n")) == (0, True)
    assert sorted(each.name for each in envlock.cache.iterdir()) == ["solved", "thesis.txt"]
    assert (tmp_path / "precious" / "file").exists()
    assert any((envlock.root / "uv").iterdir())
    assert envlock("verify").code == 0
    assert envlock("cache", "clean", "--uv", "--json").data["freed"] > 0
    assert envlock("verify").code == 0


def test_a_cache_that_is_not_there_is_clean(envlock: Program, tmp_path: Path) -> None:
    away = envlock.with_env(ENVLOCK_CACHE_DIR=str(tmp_path / "none"))
    assert away("cache", "clean").out == "0 kB freed\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["cache_folder", "kept_folder"])
def test_every_folder_of_the_cache_is_known(name: str) -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != name:
                continue
            for first in node.args[:1]:
                if isinstance(first, ast.Constant):
                    assert str(first.value) in CACHES, path
