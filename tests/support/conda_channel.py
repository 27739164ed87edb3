"""A real conda channel, made on the spot: small packages, wheels, and the Python that runs.

Fill a folder, and give its URL to whatever reads channels::

    channel = CondaChannel(tmp_path / "channel")
    channel.add("demo", "1.0", depends=["python"], files={"share/demo.txt": "hello"})
    channel.add_python()
    channel.add_wheel(wheel)
    channel.write()
    solve([channel.url], ["demo"])

Packages are ``.conda`` files that conda, mamba and py-rattler install. Nothing
is compressed: a zstd frame may hold its blocks as they are (RFC 8878, 3.1.1.2.2),
which costs disk and saves minutes.
"""

from __future__ import annotations

import base64
import configparser
import email.message
import email.parser
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from support.framework import MINOR, its_python

PYTHON = MINOR
_NEXT = f"3.{int(PYTHON.removeprefix('3.')) + 1}"
_SUBDIR = "linux-64"
_SITE = f"lib/python{PYTHON}/site-packages"
_NOT_COPIED = shutil.ignore_patterns(
    "__pycache__", "site-packages", "test", "tests", "idle_test", "idlelib", "config-*",
    "lib2to3", "ensurepip", "EXTERNALLY-MANAGED", "dist-packages", "tkinter", "turtledemo",
)  # fmt: skip
_BLOCK = 1 << 17
#: Finds the interpreter beside it, so that no prefix needs to be written into it.
_SCRIPT = """\
#!/bin/sh
'''exec' "$(dirname "$0")/python" "$0" "$@"
' '''
import sys
from {module} import {head}
sys.exit({function}())
"""


@dataclass
class CondaChannel:
    """A folder that becomes a channel with `write`; ``records`` are by subdir and file name."""

    folder: Path
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What ``--channel`` takes."""
        return self.folder.resolve().as_uri()

    def record(
        self,
        name: str,
        version: str,
        *,
        build: str = "0",
        subdir: str = "noarch",
        depends: Iterable[str] = (),
        constrains: Iterable[str] = (),
        noarch: str | None = None,
        **more: object,
    ) -> dict[str, Any]:
        """Add a record without a package: enough for a solve."""
        file = f"{name}-{version}-{build}.conda"
        number = re.search(r"\d+$", build)
        record = {
            "build": build,
            "build_number": int(number[0]) if number else 0,
            "constrains": list(constrains),
            "depends": list(depends),
            "md5": hashlib.md5(file.encode(), usedforsecurity=False).hexdigest(),
            "name": name,
            "sha256": hashlib.sha256(file.encode()).hexdigest(),
            "size": 1,
            "subdir": subdir,
            "version": version,
            **({"noarch": noarch or "generic"} if subdir == "noarch" else {}),
            **more,
        }
        self.records.setdefault(subdir, {})[file] = record
        return record

    def add(
        self,
        name: str,
        version: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        folder: Path | None = None,
        **said: Any,
    ) -> Path:
        """Add a package that holds ``files`` and what is in ``folder``."""
        record = self.record(name, version, **said)
        stem = f"{name}-{version}-{record['build']}"
        with tempfile.TemporaryDirectory() as scratch:
            root = folder or Path(scratch)
            for path, content in (files or {}).items():
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
                if path.startswith("bin/"):
                    target.chmod(0o755)
            package = self.folder / str(record["subdir"]) / f"{stem}.conda"
            package.parent.mkdir(parents=True, exist_ok=True)
            _pack(package, root, record)
        data = package.read_bytes()
        record["size"] = len(data)
        record["sha256"] = hashlib.sha256(data).hexdigest()
        record["md5"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return package

    def add_python(self) -> Path:
        """Add the Python of this machine that the framework is for, as conda's ``python``.

        A shared libpython is found where it is: the channel is for this machine.
        """
        its = its_python()
        base = its.path.resolve().parent.parent
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            (root / "bin").mkdir()
            shutil.copy2(base / f"bin/python{PYTHON}", root / f"bin/python{PYTHON}")
            for alias in ("python", "python3"):
                (root / "bin" / alias).symlink_to(f"python{PYTHON}")
            library = f"lib/python{PYTHON}"
            shutil.copytree(base / library, root / library, symlinks=True, ignore=_NOT_COPIED)
            (root / _SITE).mkdir()
            (root / _SITE / "README.txt").write_text("This directory is for packages.\n")
            return self.add(
                "python", str(its.version), build="h0_0_cpython", subdir=_SUBDIR, folder=root,
                depends=["__glibc >=2.17"],
            )  # fmt: skip

    def add_wheel(self, wheel: Path) -> Path:
        """Add what a wheel holds, with the requirements that it declares, as a package."""
        project, version, _, _ = parse_wheel_filename(wheel.name)
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            site = root / _SITE
            site.mkdir(parents=True)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)  # noqa: S202  (our own wheels)
            info = next(site.glob("*.dist-info"))
            metadata = email.parser.Parser().parsestr(
                (info / "METADATA").read_text(encoding="utf-8", errors="replace")
            )
            _spread(root, site)
            _scripts(root, info)
            (info / "INSTALLER").write_text("conda\n")
            _record_files(root, site, info / "RECORD")
            return self.add(
                canonicalize_name(project), str(version), build=f"py{PYTHON.replace('.', '')}_0",
                subdir=_SUBDIR, folder=root,
                depends=[f"python >={PYTHON},<{_NEXT}.0a0", *_needs(metadata)],
            )  # fmt: skip

    def write(self) -> None:
        """Write the index of every subdir."""
        for subdir in {"noarch", _SUBDIR, *self.records}:
            data = {
                "info": {"subdir": subdir},
                "packages": {},
                "packages.conda": self.records.get(subdir, {}),
                "repodata_version": 1,
            }
            place = self.folder / subdir / "repodata.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(data, indent=1, sort_keys=True))


def _spread(root: Path, site: Path) -> None:
    """Put the ``.data`` of a wheel where it belongs."""
    places = {"purelib": site, "platlib": site, "scripts": root / "bin", "data": root}
    for data in site.glob("*.data"):
        for kind in data.iterdir():
            shutil.copytree(kind, places.get(kind.name, root / kind.name), dirs_exist_ok=True)
        shutil.rmtree(data)


def _scripts(root: Path, info: Path) -> None:
    points = configparser.ConfigParser(delimiters=("=",))
    points.optionxform = str  # type: ignore[assignment,method-assign]
    points.read(info / "entry_points.txt", encoding="utf-8")
    for name, value in points["console_scripts"].items() if "console_scripts" in points else ():
        module, function = (part.strip() for part in value.partition("[")[0].split(":"))
        script = root / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            _SCRIPT.format(module=module, head=function.partition(".")[0], function=function)
        )
        script.chmod(0o755)


def _record_files(root: Path, site: Path, record: Path) -> None:
    """Write the RECORD that pip would have written where conda-forge builds its packages."""
    rows = []
    for path in sorted(each for each in root.rglob("*") if each.is_file() and each != record):
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
        name = Path(os.path.relpath(path, site)).as_posix()
        rows.append(f"{name},sha256={digest.rstrip(b'=').decode()},{path.stat().st_size}\n")
    own = record.relative_to(site).as_posix()
    record.write_text("".join((*rows, f"{own},,\n")), encoding="utf-8")


def _needs(metadata: email.message.Message) -> Iterator[str]:
    for line in metadata.get_all("Requires-Dist") or ():
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            bounds = ",".join(sorted(map(str, need.specifier)))
            yield f"{canonicalize_name(need.name)} {bounds}".strip()


def _pack(package: Path, root: Path, record: Mapping[str, Any]) -> None:
    """Write a ``.conda`` file: a zip of two uncompressed zstd tars."""
    stem = package.name.removesuffix(".conda")
    paths = sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    listed = [_path(path, root) for path in paths]
    info = {
        "info/index.json": json.dumps({k: v for k, v in record.items() if k not in _OF_THE_FILE}),
        "info/paths.json": json.dumps({"paths": listed, "paths_version": 1}),
        "info/about.json": "{}",
    }
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{stem}.tar.zst", _zstd(_tar(paths, root)))
        archive.writestr(f"info-{stem}.tar.zst", _zstd(_tar_of(info)))


_OF_THE_FILE = frozenset({"md5", "sha256", "size"})


def _path(path: Path, root: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"_path": path.relative_to(root).as_posix()}
    if path.is_symlink():
        return {**told, "path_type": "softlink"}
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return {**told, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(data)}


def _tar(paths: Iterable[Path], root: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            archive.add(path, path.relative_to(root).as_posix(), recursive=False)
    return packed.getvalue()


def _tar_of(texts: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def _zstd(data: bytes) -> bytes:
    """Frame data as zstd without compressing it: a window of one block, raw blocks."""
    out = bytearray(b"\x28\xb5\x2f\xfd\x00\x38")
    for start in range(0, max(len(data), 1), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        out += (len(block) << 3 | last).to_bytes(3, "little") + block
    return bytes(out)
