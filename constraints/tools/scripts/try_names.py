"""Run inside an environment: read dotted names as JSON, print whether each is there.

Python 3.6 syntax, standard library.
"""

import importlib
import json
import sys
import warnings


def is_there(dotted):
    """Whether a name can be imported, or be reached from what can be."""
    parts = dotted.split(".")
    what = importlib.import_module(parts[0])
    for position, part in enumerate(parts[1:], 2):
        try:
            what = getattr(what, part)
        except Exception:  # lazy modules raise what they like
            try:
                what = importlib.import_module(".".join(parts[:position]))
            except Exception:
                return False
    return True


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    names = json.load(sys.stdin)
    print(json.dumps({name: is_there(name) for name in names}))
