"""The pip of an environment, and the pins that it holds to.

pip looks at nobody's requirements but those of what it installs, and moves
what is there for them: `pip install seaborn` takes the newest pandas, that
takes NumPy 2, and TensorFlow no longer starts. pip reads a ``pip.conf`` at the
top of an environment, so envlock puts one there that makes the locked pins
constraints. Another file of that name is the user's, and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.environment.inspect import installed
from envlock.index.settings import HELD
from envlock.system import WINDOWS, contents, write_texts

#: pip's name for the configuration of an environment.
CONFIG = "pip.ini" if WINDOWS else "pip.conf"
#: How envlock's own begins, which tells it from one of the user's.
_OURS = "# envlock wrote this, and removes it with the environment"
_PIP = canonicalize_name("pip")


def is_ours(file: Path | str) -> bool:
    """Whether a pip.conf is envlock's own."""
    try:
        return contents(file).startswith(_OURS.encode())
    except OSError:
        return False


def hold(prefix: Path, pins: Mapping[NormalizedName, Version]) -> None:
    """Make pip keep these versions in an environment, unless its pip.conf is the user's.

    Raises:
        WorkError: it cannot be written.
    """
    config, constraints = prefix / CONFIG, prefix / HELD
    if config.exists() and not is_ours(config):
        return
    # As an address: pip takes a path apart where it has a blank.
    text = (
        f"{_OURS}.\n"
        "# pip keeps here to what is locked: what it moved would no longer be proved.\n"
        "# For once: PIP_CONFIG_FILE=/dev/null pip install ...\n"
        f"[install]\nconstraint = {constraints.absolute().as_uri()}\n"
    )
    lines = (f"{name}=={pins[name]}\n" for name in sorted(pins) if name != _PIP)
    write_texts({constraints: "".join(lines), config: text})


def holds_pins(prefix: Path) -> bool:
    """Whether pip keeps to pins of envlock's in an environment."""
    return is_ours(prefix / CONFIG) and (prefix / HELD).is_file()


def hold_what_is_there(prefix: Path) -> None:
    """Let pip keep what was changed, where it keeps to pins.

    Raises:
        WorkError: it cannot be written.
    """
    if holds_pins(prefix):
        hold(prefix, installed(prefix))
