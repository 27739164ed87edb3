"""Names of Python's own library: in the Pythons that have them, and in no other."""

import ast
import importlib
import sys
import warnings

import pytest
from packaging.requirements import Requirement

from envlock.diagnose import python_names
from envlock.rules.tables import pythons

NAMES = list(python_names.standard().values())


def there(dotted: str) -> bool:
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("entry", NAMES, ids=lambda entry: entry.name)
@pytest.mark.filterwarnings("ignore")
def test_this_python_has_what_is_said_of_it(entry: python_names.StandardName) -> None:
    if entry.name.partition(".")[0] in {"distutils", "imp"} and "setuptools" in sys.modules:
        pytest.skip("setuptools puts its own in the place")
    minor = (sys.version_info.major, sys.version_info.minor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bound = tuple(map(int, (entry.gone or entry.since).split(".")))
        assert there(entry.name) is (minor < bound if entry.gone else minor >= bound)


def test_each_says_one_minor_and_what_to_write_is_python() -> None:
    for entry in NAMES:
        assert bool(entry.gone) is not bool(entry.since), entry
        assert (entry.gone or entry.since) in pythons().minors, entry
        ast.parse(entry.write)
        if entry.install:
            Requirement(entry.install)
