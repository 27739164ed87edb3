"""A day with a conda file of 2020 and many machines: no root, no network, modules of others."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.conda_channel import CondaChannel
from support.distributions import build_wheel
from support.framework import its_python
from support.serving import ServedFolder
from support.terminal import Terminal
from support.unpacked import unpacked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clusters and the channel are")


def test_a_conda_file_of_somebody_else_becomes_a_prefix(
    terminal: Terminal, channel: CondaChannel
) -> None:
    text = f"name: lab\nchannels: [{channel.url}]\ndependencies: [tensorflow=2.15, h5py]\n"
    (terminal.program.here / "environment.yml").write_text(text)
    said = terminal.types("envlock create")
    assert "request from environment.yml" in said
    assert "written      conda-lock.yml" in said
    assert "proved       import-h5py, import, fit, save, load" in said
    assert "the lock is current" in terminal.types("envlock lock --check")
    assert "nothing is wrong" in terminal.types("envlock diagnose")
    assert "verified" in terminal.types("envlock verify")


def test_a_node_without_a_network_works_from_a_warm_cache(terminal: Terminal) -> None:
    terminal.types("envlock create tensorflow")
    node = replace(terminal, offline=True)
    assert "try: envlock sync --env node --offline" in node.types("envlock sync --env node", code=4)
    node.follows()
    assert "already equal" in node.types("envlock sync --env node --offline")
    assert "proved" in node.types("envlock create tensorflow --env other --offline")
    assert "verified" in node.types("envlock verify node")
    assert "nothing is wrong" in node.types("envlock diagnose node")
    node.types("envlock fix node --offline")
    lacking = node.types("envlock lock flask --offline", code=4)
    assert "offline, and the cache has not the page of flask" in lacking


def test_a_prefix_is_made_without_a_network_from_a_warm_cache(
    terminal: Terminal, channel: CondaChannel
) -> None:
    with ServedFolder(channel.folder) as served:
        text = f"channels: [{served.root}]\ndependencies: [tensorflow=2.15, h5py]\n"
        (terminal.program.here / "environment.yml").write_text(text)
        terminal.types("envlock create")
    node = replace(terminal, offline=True)
    assert "node is now equal to conda-lock.yml" in node.types("envlock sync --env node --offline")
    assert "verified" in node.types("envlock verify node")
    made = node.types("envlock create --env other --offline")
    assert "proved       import-h5py, import, fit, save, load" in made
    lacking = node.types("envlock lock tensorflow flask --manager conda --offline -o -", code=4)
    assert "offline" in lacking


def carried(terminal: Terminal, root: Path) -> Terminal:
    """A machine without a network, with nothing on it but the bundle."""
    for name in ("project", "home"):
        (root / name).mkdir(parents=True)
    program = replace(terminal.program, root=root, env={"ENVLOCK_ENGINE": "uv"}).with_pip()
    shutil.copytree(terminal.program.here / "bundle", program.here / "bundle")
    return Terminal(program=program, offline=True)


def test_a_bundle_is_carried_to_a_machine_that_has_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.types("envlock lock tensorflow")
    terminal.types("envlock bundle requirements.txt -o bundle")
    node = carried(terminal, tmp_path / "node")
    assert ".venv is now equal to" in node.types("envlock sync bundle")
    assert "verified" in node.types("envlock verify")
    assert "nothing is wrong" in node.types("envlock diagnose")
    assert "proved" in node.types("envlock create --from bundle --env other")
    node.types("envlock fix other --offline")


def test_what_a_module_system_puts_before_the_environment_is_told(
    terminal: Terminal, tmp_path: Path
) -> None:
    said = "raise ImportError('numpy.core.umath failed to import')\n"
    wheel = build_wheel(tmp_path / "w", "numpy", "2.3.0", files={"numpy/__init__.py": said})
    modules = unpacked(wheel, tmp_path / "modules")
    terminal.types("envlock create tensorflow")
    loaded = replace(
        terminal, program=terminal.program.with_env(PYTHONPATH=f"{path(terminal)}:{modules}")
    )
    assert f"numpy 2.3.0 of {modules} hides 1.26.4" in loaded.types("envlock verify", code=1)
    assert "PYTHONPATH" in loaded.types("envlock diagnose", code=1)
    assert "unset PYTHONPATH" in loaded.types("envlock create tensorflow --prove")


@pytest.mark.e2e
@pytest.mark.network
@pytest.mark.nightly
def test_a_real_tensorflow_is_carried_to_a_node(real: Terminal) -> None:
    its_python()
    real.types("envlock lock tensorflow-cpu==2.15.1 --python 3.11")
    real.types("envlock bundle")
    node = carried(real, real.program.root / "node")
    assert ".venv is now equal to" in node.types("envlock sync bundle")
    assert "verified" in node.types("envlock verify")
    assert "nothing is wrong" in node.types("envlock diagnose")
    node.types("envlock fix --offline")
    modules = real.program.root / "modules"
    (modules / "numpy").mkdir(parents=True)
    said = "raise ImportError('numpy.core.umath failed to import')\n"
    (modules / "numpy" / "__init__.py").write_text(said)
    loaded = replace(node, program=node.program.with_env(PYTHONPATH=f"{path(node)}:{modules}"))
    assert "PYTHONPATH" in loaded.types("envlock verify", code=1)


def path(terminal: Terminal) -> str:
    """The PYTHONPATH of the tests, which finds the program."""
    return terminal.program.environment()["PYTHONPATH"]
