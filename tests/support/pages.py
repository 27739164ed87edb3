"""The pages of a small package index, for `support.simple_index` and for ``file://`` indexes."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.distributions import read_metadata

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
SUFFIXES = (".whl", ".tar.gz", ".zip")


@dataclass(kw_only=True)
class Said:
    """What pages say of the files they list; the knobs of `SimpleIndex` of the same names."""

    hashes: bool = True
    metadata: bool = True
    upload_times: Mapping[str, str] = field(default_factory=dict)
    yanked: Mapping[str, str] = field(default_factory=dict)
    wrong_hashes: Collection[str] = ()


def write_folder_index(root: Path, folder: Path, *, hashes: bool = True) -> str:
    """Write ``root/NAME/index.html`` for the distributions in ``folder``; return its file URL."""
    said = Said(hashes=hashes, metadata=False)
    for name in names(folder):
        page = root / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html_page(entries(folder, name, f"{folder.as_uri()}/", said)))
    return root.as_uri()


def names(folder: Path) -> set[str]:
    """Return the normalised names of the projects that ``folder`` has files of."""
    return {_project(file) for file in _distributions(folder)}


def json_page(name: str, files: list[dict[str, object]]) -> str:
    """Write a PEP 691 page."""
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files})


def html_page(files: Iterable[Mapping[str, object]]) -> str:
    """Write the same as a PEP 503 page, which has no sizes and no upload times."""
    return "<!DOCTYPE html><html><body>\n" + "\n".join(map(_anchor, files)) + "\n</body></html>\n"


def entries(folder: Path, name: str, base: str, said: Said) -> list[dict[str, object]]:
    """Return the ``files`` of a PEP 691 page, their URLs under ``base``."""
    return [_entry(file, base, said) for file in _distributions(folder) if _project(file) == name]


def _entry(file: Path, base: str, said: Said) -> dict[str, object]:
    content = file.read_bytes()
    described = read_metadata(file)
    false = file.name in said.wrong_hashes
    digest = "0" * 64 if false else hashlib.sha256(content).hexdigest()
    entry: dict[str, object] = {
        "filename": file.name,
        "url": f"{base}{file.name}",
        "hashes": {"sha256": digest} if said.hashes else {},
        "size": len(content),
        "yanked": said.yanked.get(file.name, False),
    }
    if needs := re.search(rb"^Requires-Python: (.+)$", described, re.MULTILINE):
        entry["requires-python"] = needs[1].decode()
    if said.metadata and file.suffix == ".whl":
        entry["core-metadata"] = {"sha256": hashlib.sha256(described).hexdigest()}
    if file.name in said.upload_times:
        entry["upload-time"] = said.upload_times[file.name]
    return entry


def _anchor(entry: Mapping[str, object]) -> str:
    href = str(entry["url"])
    hashes = entry["hashes"]
    if isinstance(hashes, dict) and hashes:
        href += f"#sha256={hashes['sha256']}"
    attributes = f'href="{html.escape(href)}"'
    if "requires-python" in entry:
        attributes += f' data-requires-python="{html.escape(str(entry["requires-python"]))}"'
    if entry["yanked"] is not False:
        attributes += f' data-yanked="{html.escape(str(entry["yanked"]))}"'
    core = entry.get("core-metadata")
    if isinstance(core, dict):
        attributes += f' data-core-metadata="sha256={core["sha256"]}"'
    return f"<a {attributes}>{entry['filename']}</a><br>"


def _distributions(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.name.endswith(SUFFIXES))


def _project(file: Path) -> str:
    stem = file.name.split("-")[0] if file.suffix == ".whl" else file.name.rsplit("-", 1)[0]
    return re.sub(r"[-_.]+", "-", stem).lower()
