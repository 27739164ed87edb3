"""Each format of a conda lock is taken by those who read it: py-rattler, conda-lock."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from uv import find_uv_bin

from envlock.choices import Format
from envlock.formats.archives import chosen
from envlock.formats.conda_spec import parse_spec
from envlock.formats.registry import texts_of
from envlock.model import Lock, Part
from support.any_conda_lock import conda_locks
from support.conda_locks import REALISTIC_CONDA

#: Leaves by os._exit: a Python that used py-rattler may crash when it shuts down.
READER = """
import json, os, sys
from pathlib import Path
import rattler
from rattler.explicit_environment import ExplicitEnvironmentSpec

def records(lock):
    found = lock.default_environment()
    conda = {
        subdir: sorted(
            [r.name.normalized, str(r.version), json.loads(r.to_json())["build"], r.subdir, r.url,
             r.md5.hex(), r.sha256.hex(), sorted(r.depends)]
            for r in records
        )
        for subdir, records in found.conda_repodata_records().items()
    }
    pip = {
        subdir: sorted(
            [p.name, str(p.version), p.location, p.hashes.sha256.hex()] for p in packages
        )
        for subdir, packages in found.pypi_packages().items()
    }
    return {"conda": conda, "pip": pip, "channels": [str(c) for c in found.channels()]}

def explicit(path):
    found = ExplicitEnvironmentSpec.from_path(path)
    return {"platform": str(found.platform), "urls": [p.url for p in found.packages]}

def rewritten(folder):
    texts = {}
    for path in sorted(folder.glob("*.pixi.lock")):
        rattler.LockFile.from_path(path).to_path(folder / "again")
        texts[path.name] = (folder / "again").read_text(encoding="utf-8")
    return texts

def meant(path):
    return [str(rattler.MatchSpec(text)) for text in json.loads(path.read_text(encoding="utf-8"))]

kind, place = sys.argv[1], Path(sys.argv[2])
answer = {
    "lock": lambda: records(rattler.LockFile.from_path(place)),
    "explicit": lambda: explicit(place),
    "rewritten": lambda: rewritten(place),
    "meant": lambda: meant(place),
}[kind]()
print(json.dumps(answer), flush=True)
os._exit(0)
"""


def rattler(kind: str, place: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-I", "-c", READER, kind, str(place)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write(folder: Path, kind: Format, lock: Lock = REALISTIC_CONDA) -> list[Path]:
    paths = []
    for name, text in texts_of(lock, kind).items():
        (folder / name).write_bytes(text.encode())
        paths.append(folder / name)
    return paths


def conda_part(part: Part, *, needs: bool) -> list[list[object]]:
    return sorted(
        [
            *(each.name, each.version, each.build, each.subdir, each.url, each.md5, each.sha256),
            sorted(each.depends) if needs else [],
        ]
        for each in part.conda
    )


def pip_part(part: Part) -> list[list[str]]:
    return sorted(
        [package.name, str(package.version), file.url, sha256]
        for package, file, sha256 in chosen(REALISTIC_CONDA, part, Format.PIXI)
    )


@pytest.mark.parametrize("kind", [Format.CONDA_LOCK, Format.PIXI])
def test_py_rattler_reads_the_packages_of_every_platform(kind: Format, tmp_path: Path) -> None:
    (path,) = write(tmp_path, kind)
    found = rattler("lock", path)
    whole = kind is Format.PIXI  # conda-lock.yml has one bound for each name
    for part in REALISTIC_CONDA.parts:
        conda = found["conda"][part.subdir]
        assert [each if whole else [*each[:-1], []] for each in conda] == (
            conda_part(part, needs=whole)
        )
    assert found["pip"] == {each.subdir: pip_part(each) for each in REALISTIC_CONDA.parts}
    address = "https://conda.anaconda.org/conda-forge/"
    assert found["channels"] == [address if kind is Format.PIXI else "conda-forge"]


def test_py_rattler_reads_the_explicit_lists(tmp_path: Path) -> None:
    for path, part in zip(write(tmp_path, Format.EXPLICIT), REALISTIC_CONDA.parts, strict=True):
        found = rattler("explicit", path)
        assert found["platform"] == part.subdir
        assert sorted(found["urls"]) == sorted(f"{each.url}#{each.md5}" for each in part.conda)


def test_pixi_lock_is_what_py_rattler_writes(tmp_path: Path) -> None:
    texts = {"realistic.pixi.lock": texts_of(REALISTIC_CONDA, Format.PIXI)["pixi.lock"]}

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(lock=conda_locks())
    def draw(lock: Lock) -> None:
        texts[f"{len(texts)}.pixi.lock"] = texts_of(lock, Format.PIXI)["pixi.lock"]

    draw()
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode())
    plain = {name: without_comments(text) for name, text in texts.items()}
    assert rattler("rewritten", tmp_path) == plain


def without_comments(text: str) -> str:
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#")
    )


def test_conda_entries_of_real_files_mean_the_same_after_reading(tmp_path: Path) -> None:
    data = Path(__file__).parents[2] / "cases" / "environment-files.json.xz"
    entries: dict[str, None] = {}
    for file in json.loads(lzma.decompress(data.read_bytes())):
        if "python/tuple" not in file["text"]:
            listed = yaml.safe_load(file["text"])["dependencies"] or []
            entries |= dict.fromkeys(each.strip() for each in listed if isinstance(each, str))
    assert len(entries) > 1000
    for name, texts in {
        "as-written.json": list(entries),
        "as-read.json": [str(parse_spec(each)) for each in entries],
    }.items():
        (tmp_path / name).write_text(json.dumps(texts), encoding="utf-8")
    as_written = rattler("meant", tmp_path / "as-written.json")
    as_read = rattler("meant", tmp_path / "as-read.json")
    differing = {e: (w, r) for e, w, r in zip(entries, as_written, as_read, strict=True) if w != r}
    assert differing == {"blas[build=mkl]": ('blas[build="mkl"]', "blas * mkl")}  # the same


def test_the_pins_of_an_environment_file_mean_one_version_each(tmp_path: Path) -> None:
    (text, _) = texts_of(REALISTIC_CONDA, Format.ENVIRONMENT).values()
    entries = [e for e in yaml.safe_load(text)["dependencies"] if isinstance(e, str)]
    (tmp_path / "pins.json").write_text(json.dumps(entries), encoding="utf-8")
    assert rattler("meant", tmp_path / "pins.json") == [
        f"{'conda-forge::' if each.name == 'tensorflow' else ''}{each.name} =={each.version}"
        for each in REALISTIC_CONDA.parts[0].conda
    ]


@pytest.mark.network
def test_conda_lock_renders_its_format(tmp_path: Path) -> None:
    write(tmp_path, Format.CONDA_LOCK)
    done = subprocess.run(
        [
            *(find_uv_bin(), "tool", "run", "--from", "conda-lock==4.0.3", "conda-lock", "render"),
            *("-k", "explicit", "-k", "env", "-p", "linux-64", "-p", "osx-arm64"),
            "conda-lock.yml",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part in REALISTIC_CONDA.parts:
        text = (tmp_path / f"conda-{part.subdir}.lock").read_text(encoding="utf-8")
        lines = set(text.splitlines())
        assert {f"{each.url}#{each.md5}" for each in part.conda} <= lines
        assert {
            f"# pip {name} @ {url}#sha256={sha256}" for name, _, url, sha256 in pip_part(part)
        } <= lines
        env = yaml.safe_load((tmp_path / f"conda-{part.subdir}.lock.yml").read_text())
        assert env["channels"] == ["conda-forge"]
        assert f"h5py={part.conda[1].version}={part.conda[1].build}" in (env["dependencies"])
