"""Both engines, with caches of their own, for tests that run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envlock.choices import EngineName

#: As parameters: pip-tools is installed, once a session, from the machine's own index.
ENGINE_NAMES: list[Any] = [
    pytest.param(EngineName.UV, id="uv"),
    pytest.param(EngineName.PIPTOOLS, id="pip-tools", marks=pytest.mark.network),
]


def use_own_caches(monkeypatch: pytest.MonkeyPatch, factory: pytest.TempPathFactory) -> Path:
    """Keep envlock, uv and pip out of the user's caches; one folder serves the whole session."""
    folder = factory.getbasetemp() / "caches"
    for variable, name in (
        ("ENVLOCK_CACHE_DIR", "envlock"),
        ("UV_CACHE_DIR", "uv"),
        ("XDG_CACHE_HOME", "other"),
    ):
        monkeypatch.setenv(variable, str(folder / name))
    return folder
