"""Compile what a folder of packages holds, the largest package and module first.

``python -I -S THIS GO FOLDER...``, from CPython 3.6 on. It ends when all is
compiled, or at the next module once the folder GO is gone.
"""

import compileall
import os
import sys


def modules(site):
    """The modules of each package, by its name."""
    packages = {}
    for folder, folders, names in os.walk(site):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        package = os.path.relpath(folder, site).split(os.sep)[0]
        paths = (os.path.join(folder, name) for name in sorted(names) if name.endswith(".py"))
        packages.setdefault(package, []).extend(paths)
    return packages


def largest_first(site):
    """Every module; what an import waits for longest is a large one of the largest package."""
    sized = [[(os.path.getsize(path), path) for path in each] for each in modules(site).values()]
    for package in sorted(sized, key=lambda each: -sum(size for size, _ in each)):
        for _, path in sorted(package, reverse=True):
            yield path


def main(go, *sites):
    """Compile them one by one."""
    for site in sites:
        for path in largest_first(site):
            if not os.path.exists(go):
                return
            compileall.compile_file(path, quiet=2)


main(*sys.argv[1:])
