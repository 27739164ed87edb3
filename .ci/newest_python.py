"""Print the newest CPython of this machine, where it is newer than the one that runs this."""

import sys

from packaging.version import Version

from envlock.targets.interpreters import available

newest = available()[0]
if newest.version > Version(".".join(map(str, sys.version_info[:3]))):
    print(newest.path)
