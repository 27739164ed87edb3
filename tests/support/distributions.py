"""Small wheels and sdists, made without a build tool; `support.simple_index` serves them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def build_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    extras: Iterable[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel that pip and uv install, the same bytes for the same arguments.

    ``files`` maps paths inside the wheel to contents; the default is one module
    named as the distribution, with ``__version__``.
    """
    escaped = _escape(name)
    if files is None:
        files = {f"{escaped}.py": f'__version__ = "{version}"\n'}
    info = f"{escaped}-{version}.dist-info"
    pure = "true" if tag.endswith("-none-any") else "false"
    contents = {path: _bytes(content) for path, content in files.items()}
    contents[f"{info}/METADATA"] = _metadata(name, version, requires, requires_python, extras)
    contents[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: simple_index\nRoot-Is-Purelib: {pure}\n"
        + "".join(f"Tag: {each}\n" for each in _expand(tag))
    ).encode()
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{escaped}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return wheel


def build_sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    backend: str | None = None,
    tools: Iterable[str] = (),
) -> Path:
    """Write a ``.tar.gz`` sdist with a build backend of its own, which needs nothing.

    ``backend`` replaces the source of that backend, so that a test can make a
    build fail (``raise SystemExit("no compiler")``). With ``tools`` it is built
    by the setuptools that `build_setuptools` makes, beside these.
    """
    escaped = _escape(name)
    metadata = _metadata(name, version, requires, requires_python, ())
    contents = {
        "PKG-INFO": metadata if not tools else metadata.replace(b": 2.2", b": 2.1", 1),
        f"{escaped}.py": f'__version__ = "{version}"\n'.encode(),
        "pyproject.toml": _pyproject(tuple(tools)),
        "backend.py": (
            _BACKEND.format(stem=f"{escaped}-{version}", module=f"{escaped}.py")
            if backend is None
            else backend
        ).encode(),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in contents.items():
            entry = tarfile.TarInfo(f"{escaped}-{version}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    folder.mkdir(parents=True, exist_ok=True)
    sdist = folder / f"{escaped}-{version}.tar.gz"
    sdist.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return sdist


def build_setuptools(folder: Path, version: str, check: str = "") -> Path:
    """Write a wheel of a setuptools that builds what `build_sdist` makes with ``tools``.

    ``check`` is Python that is run first, where ``STEM`` is the name and version of the project.
    """
    source = _BACKEND.replace("{stem}", "").replace("{module}", "").replace("\\\\n", "\\n")
    return build_wheel(
        folder,
        "setuptools",
        version,
        files={
            "setuptools/__init__.py": f'__version__ = "{version}"\n',
            "setuptools/build_meta.py": f"{source}\n{_ANY_PROJECT}\n{check}\n",
        },
    )


def read_metadata(file: Path) -> bytes:
    """Return the METADATA of a wheel, or the PKG-INFO of an sdist."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            return archive.read(next(n for n in names if n.endswith(".dist-info/METADATA")))
    with tarfile.open(file) as archive:
        member = archive.extractfile(next(n for n in archive.getnames() if n.endswith("/PKG-INFO")))
        assert member is not None
        return member.read()


def _pyproject(tools: tuple[str, ...]) -> bytes:
    own = 'build-backend = "backend"\nbackend-path = ["."]\n'
    theirs = 'build-backend = "setuptools.build_meta"\n'
    names = ", ".join(f'"{each}"' for each in (("setuptools", *tools) if tools else ()))
    return f"[build-system]\nrequires = [{names}]\n{theirs if tools else own}".encode()


def _escape(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _expand(tag: str) -> list[str]:
    pythons, abis, platforms = tag.split("-")
    return [
        f"{python}-{abi}-{platform}"
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]


def _metadata(
    name: str,
    version: str,
    requires: Iterable[str],
    requires_python: str | None,
    extras: Iterable[str],
) -> bytes:
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines.extend(f"Provides-Extra: {extra}" for extra in extras)
    lines.extend(f"Requires-Dist: {requirement}" for requirement in requires)
    return ("\n".join(lines) + "\n").encode()


def _record(contents: Mapping[str, bytes], own: str) -> bytes:
    rows = []
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}\n")
    rows.append(f"{own},,\n")
    return "".join(rows).encode()


_ANY_PROJECT = """
with open("PKG-INFO") as about:
    SAID = dict(line.strip().split(": ", 1) for line in about if ": " in line)
MODULE = SAID["Name"].replace("-", "_") + ".py"
STEM = MODULE[:-3] + "-" + SAID["Version"]
"""

_BACKEND = '''\
"""Builds this one project, with nothing but the standard library."""
import os
import zipfile

STEM = "{stem}"
MODULE = "{module}"
WHEEL = """Wheel-Version: 1.0
Generator: backend
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = STEM + "-py3-none-any.whl"
    info = STEM + ".dist-info/"
    with open(MODULE) as module, open("PKG-INFO") as metadata:
        files = [(MODULE, module.read()), (info + "METADATA", metadata.read())]
    files.append((info + "WHEEL", WHEEL))
    record = info + "RECORD"
    files.append((record, "".join(path + ",,\\n" for path, _ in files) + record + ",,\\n"))
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files:
            archive.writestr(path, text)
    return name


def build_sdist(folder, config_settings=None):
    raise NotImplementedError
'''
