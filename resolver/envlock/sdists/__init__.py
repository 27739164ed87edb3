"""Source distributions become wheels: built by the law, once, and kept by what they were made of.

The law: plainly first; when that fails, with the build tools as of the day on
which the release was uploaded, but none older than the interpreter can run;
then within the bounds that are on record for the package. Metadata that no
installer of today reads are mended in the wheel.
"""

from pathlib import Path

#: The script that puts what requirements meant into a wheel: an image runs it too.
MENDER = Path(__file__).parent / "scripts" / "mend_wheel.py"
#: What stands between the two in the lines that it reads.
ARROW = "->"
