"""Print a set-up command of the README: the fenced line after ``<!-- NAME -->``."""

import re
import sys
from pathlib import Path

NAME = sys.argv[1]
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
found = re.search(rf"<!-- {NAME} -->\s*```\w*\n(.+)\n```", README)
if found is None:
    sys.exit(f"README.md has no command <!-- {NAME} -->")
print(found[1])
