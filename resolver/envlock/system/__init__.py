"""The only package that starts a process or writes a file.

Everything here either succeeds or raises an `EnvlockError` that says what was
attempted; nothing is left half-written.
"""

from __future__ import annotations

import sys

from envlock.system.caches import cache_folder as cache_folder
from envlock.system.caches import exclusive as exclusive
from envlock.system.caches import remembered as remembered
from envlock.system.processes import Completed as Completed
from envlock.system.processes import beside as beside
from envlock.system.processes import run as run
from envlock.system.reading import read_text as read_text
from envlock.system.stopping import stoppable as stoppable
from envlock.system.writing import make_folder as make_folder
from envlock.system.writing import move as move
from envlock.system.writing import remove_tree as remove_tree
from envlock.system.writing import scratch as scratch
from envlock.system.writing import write_files as write_files
from envlock.system.writing import write_texts as write_texts

WINDOWS = sys.platform == "win32"
