"""Images built for real without a registry: buildah, and a base that debootstrap makes.

Debian 12 stands for ``python:3.11-slim-bookworm``, which is Debian 12 with a
Python 3.11 of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlock.index.settings import load_settings

BASE = "docker.io/library/python:3.11-slim-bookworm"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOOLS = ("buildah", "debootstrap")


def obstacle() -> str:
    """Say why no image can be built here, or "" after what is needed was installed with apt."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "building an image without a registry takes root on Linux"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if not missing:
        return ""
    if shutil.which("apt-get") is None:
        return f"there is no {' and no '.join(missing)}, and no apt-get to install it"
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(
            [_program("apt-get"), *words], env=quiet, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return f"apt-get {words[0]} failed: {last}"
    return ""


def _program(name: str) -> str:
    return shutil.which(name) or name


@dataclass(frozen=True, kw_only=True)
class Builder:
    """buildah with a storage of its own below ``root``."""

    root: Path

    def buildah(
        self, *words: str | Path, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run buildah to its end; what it says on both streams is in ``stdout``."""
        scratch = self.root / "tmp"  # where it keeps cache mounts too
        scratch.mkdir(exist_ok=True)
        storage = ["--root", self.root / "storage", "--runroot", self.root / "run"]
        return subprocess.run(
            [_program("buildah"), "--storage-driver", "overlay", *map(str, [*storage, *words])],
            cwd=cwd,
            env={**os.environ, "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def sure(self, *words: str | Path) -> str:
        """Run buildah, which must succeed, and return what it said."""
        done = self.buildah(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def make_base(self) -> str:
        """Make the base image; say what was in the way, or ""."""
        system = self.root / "system"
        options = ("--variant=minbase", "--include=python3,python3-venv,ca-certificates")
        done = subprocess.run(
            [_program("debootstrap"), *options, "bookworm", str(system)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            return f"debootstrap failed: {(done.stdout.strip().splitlines() or [''])[-1]}"
        container = self.sure("from", "scratch")
        self.sure("copy", "-q", container, system, "/")
        self.sure("config", "--cmd", "python3", "--env", f"PATH={_PATH}", container)
        self.sure("commit", "-q", "--rm", container, BASE)
        shutil.rmtree(system)
        return ""

    def build(self, folder: Path, tag: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Build a folder as ``docker build`` would, with this machine's index and certificates."""
        settings = load_settings(os.environ)
        lines = ["[global]", f"index-url = {settings.index_url}"]
        options: list[str | Path] = [*more]
        if settings.cert:
            lines.append("cert = /tmp/certificates.pem")
            options += ["-v", f"{settings.cert}:/tmp/certificates.pem:ro"]
        config = self.root / "pip.conf"
        config.write_text("\n".join(lines) + "\n")
        options += ["--secret", f"id=pip.conf,src={config}", "-t", tag, "."]
        return self.buildah(
            "bud", "--isolation", "chroot", "--pull-never", "--layers", *options, cwd=folder
        )

    def config(self, tag: str) -> Mapping[str, Any]:
        """Return the configuration of an image."""
        found = json.loads(self.sure("inspect", "--type", "image", tag))
        config = found["OCIv1"]["config"]
        assert isinstance(config, dict)
        return config

    def run(self, tag: str, *command: str) -> str:
        """Run a command in an image as its user, and return what it said."""
        container = self.sure("from", "--pull-never", tag)
        try:
            return self.sure("run", "--isolation", "chroot", container, "--", *command)
        finally:
            self.sure("rm", container)

    def megabytes(self, tag: str) -> float:
        """Return the size of an image, its base included."""
        (image,) = json.loads(self.sure("images", "--json", tag))
        size, unit = str(image["size"]).split()
        return float(size) * {"KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]

    def clean(self) -> None:
        """Remove every image and container."""
        self.buildah("rm", "--all")  # which unmounts them
        shutil.rmtree(self.root, ignore_errors=True)
