"""Check that the wheel and the sdist hold every data file of the checkout.

hatchling obeys .gitignore: a pattern that matches a YAML file drops it from
the wheel without a word.
"""

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("resolver", "constraints")
SHIPPED = {".yaml", ".json", ".gz", ".py", ".typed", ".html", ".css", ".js"}

(wheel,) = Path(sys.argv[1]).glob("*.whl")
(sdist,) = Path(sys.argv[1]).glob("*.tar.gz")
packed = set(zipfile.ZipFile(wheel).namelist())
with tarfile.open(sdist) as archive:
    shipped = {name.partition("/")[2] for name in archive.getnames()}
missing = []
for source in SOURCES:
    for path in sorted((ROOT / source).glob("envlock*/**/*")):
        if path.suffix in SHIPPED and "__pycache__" not in path.parts:
            if path.relative_to(ROOT / source).as_posix() not in packed:
                missing.append(f"{wheel.name} lacks {path.relative_to(ROOT)}")
            if path.relative_to(ROOT).as_posix() not in shipped:
                missing.append(f"{sdist.name} lacks {path.relative_to(ROOT)}")
if missing:
    sys.exit("\n".join(missing))
data = sum(name.endswith((".yaml", ".json", ".gz")) for name in packed)
print(f"{wheel.name}: {len(packed)} files, {data} of them data, none missing")
