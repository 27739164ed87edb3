"""The only package that starts a process or writes a file.

Everything here either succeeds or raises an `EnvlockError` that says what was
attempted; nothing is left half-written.
"""

from __future__ import annotations

import sys

from envlock.system.caches import CACHES as CACHES
from envlock.system.caches import cache_folder as cache_folder
from envlock.system.caches import cache_root as cache_root
from envlock.system.caches import cache_troubles as cache_troubles
from envlock.system.caches import exclusive as exclusive
from envlock.system.caches import folder_of_variable as folder_of_variable
from envlock.system.caches import keep as keep
from envlock.system.caches import keep_recent as keep_recent
from envlock.system.caches import kept_folder as kept_folder
from envlock.system.caches import load_kept as load_kept
from envlock.system.caches import load_recent as load_recent
from envlock.system.caches import own_in_cache as own_in_cache
from envlock.system.caches import remembered as remembered
from envlock.system.caches import replaced_cache as replaced_cache
from envlock.system.disks import disk_full as disk_full
from envlock.system.disks import is_full as is_full
from envlock.system.disks import refuse_full as refuse_full
from envlock.system.disks import room_in as room_in
from envlock.system.disks import room_words as room_words
from envlock.system.disks import says_full as says_full
from envlock.system.disks import size_words as size_words
from envlock.system.processes import Completed as Completed
from envlock.system.processes import OutOfTime as OutOfTime
from envlock.system.processes import beside as beside
from envlock.system.processes import left as left
from envlock.system.processes import run as run
from envlock.system.processes import run_solver as run_solver
from envlock.system.processes import solve_limit as solve_limit
from envlock.system.processes import within as within
from envlock.system.reading import Ends as Ends
from envlock.system.reading import Refused as Refused
from envlock.system.reading import contents as contents
from envlock.system.reading import encoded_as as encoded_as
from envlock.system.reading import encoding_of as encoding_of
from envlock.system.reading import opened as opened
from envlock.system.reading import read_ends as read_ends
from envlock.system.reading import read_standard_input as read_standard_input
from envlock.system.reading import read_text as read_text
from envlock.system.storing import Mismatch as Mismatch
from envlock.system.storing import digest_of as digest_of
from envlock.system.storing import parts_of as parts_of
from envlock.system.storing import remove_file as remove_file
from envlock.system.storing import share as share
from envlock.system.storing import store as store
from envlock.system.storing import swap as swap
from envlock.system.writing import append_text as append_text
from envlock.system.writing import landed as landed
from envlock.system.writing import landing as landing
from envlock.system.writing import make_folder as make_folder
from envlock.system.writing import move as move
from envlock.system.writing import refuse_irregular as refuse_irregular
from envlock.system.writing import refuse_unwritable as refuse_unwritable
from envlock.system.writing import remove_tree as remove_tree
from envlock.system.writing import scratch as scratch
from envlock.system.writing import taken_back as taken_back
from envlock.system.writing import write_files as write_files
from envlock.system.writing import write_texts as write_texts

WINDOWS = sys.platform == "win32"
