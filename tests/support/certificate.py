"""A certificate for 127.0.0.1, signed by nobody that is trusted."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

_ARGUMENTS = shlex.split(
    "req -x509 -newkey rsa:2048 -nodes -days 2"
    " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
)


def self_signed(folder: Path) -> Path:
    """Write a PEM file with a key and its certificate; skip the test without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on PATH")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [openssl, *_ARGUMENTS, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both
