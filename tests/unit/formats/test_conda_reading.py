"""Files of conda packages that others wrote, and files that are no locks."""

from __future__ import annotations

from textwrap import dedent

import pytest

from envlock.errors import UsageError
from envlock.formats.registry import read_lock
from envlock.model import Lock

MD5 = "0123456789abcdef0123456789abcdef"
SHA = MD5 + MD5
FORGE = "https://conda.anaconda.org/conda-forge"


def read(name: str, text: str) -> Lock:
    return read_lock(name, dedent(text))


def pins(lock: Lock) -> dict[str, list[str]]:
    """Every package of a lock as text, by platform."""
    return {
        part.subdir: [
            *(f"{each.name}={each.version}={each.build}" for each in part.conda),
            *(f"{each.name}=={each.version}" for each in part.pypi),
        ]
        for part in lock.parts
    }


def test_an_explicit_list_of_conda() -> None:
    lock = read(
        "spec-file.txt",
        f"""\
        # This file may be used to create an environment using:
        # $ conda create --name <env> --file <this file>
        # platform: linux-64
        @EXPLICIT
        {FORGE}/linux-64/h5py-3.1.0-nompi_py39_1.tar.bz2#{MD5}
        {FORGE}/noarch/six-1.16.0-pyh6c4a22f_0.conda#sha256:{SHA}
        {FORGE}/noarch/x-1-0.conda
        """,
    )
    assert pins(lock) == {
        "linux-64": ["h5py=3.1.0=nompi_py39_1", "six=1.16.0=pyh6c4a22f_0", "x=1=0"]
    }
    (h5py, six, x) = lock.part.conda
    assert (h5py.md5, h5py.sha256, h5py.build_number, h5py.subdir) == (MD5, None, 1, "linux-64")
    assert (six.md5, six.sha256, six.noarch, six.channel) == (None, SHA, "python", f"{FORGE}/")
    assert (x.md5, x.sha256) == (None, None)
    assert lock.request_digest == ""


def test_an_export_of_conda_with_builds() -> None:
    lock = read(
        "environment.yml",
        """\
        name: tf
        channels: [conda-forge, defaults]
        dependencies:
          - python=3.8.12=h12debd9_0
          - pkgs/main::six=1.16.0=pyh_0
          - pip:
            - absl-py==0.14.1
        prefix: /home/u/env
        """,
    )
    assert pins(lock) == {"": ["python=3.8.12=h12debd9_0", "six=1.16.0=pyh_0", "absl-py==0.14.1"]}
    assert (lock.name, lock.channels) == ("tf", ("conda-forge", "defaults"))
    assert lock.part.conda[1].channel == "pkgs/main"


def test_a_lock_of_conda_lock() -> None:
    lock = read(
        "conda-lock.yml",
        f"""\
        version: 1
        metadata:
          content_hash: {{linux-64: ab}}
          channels:
          - url: conda-forge
            used_env_vars: []
          platforms: [linux-64, win-64]
          sources: [environment.yml]
        package:
        - name: h5py
          version: 3.1.0
          manager: conda
          platform: linux-64
          dependencies: {{hdf5: '>=1.10,<1.11.0a0', six: ''}}
          url: {FORGE}/linux-64/h5py-3.1.0-nompi_py39_1.tar.bz2
          hash: {{md5: {MD5}, sha256: {SHA}}}
          category: dev
          optional: true
        - name: Keras
          version: 2.10.0
          manager: pip
          platform: linux-64
          dependencies: {{}}
          url: https://files.pythonhosted.org/packages/keras-2.10.0-py2.py3-none-any.whl
          hash: {{sha256: {SHA}}}
          category: main
          optional: false
        """,
    )
    assert pins(lock) == {"linux-64": ["h5py=3.1.0=nompi_py39_1", "keras==2.10.0"], "win-64": []}
    assert lock.channels == ("conda-forge",)
    (h5py,) = lock.parts[0].conda
    assert h5py.depends == ("hdf5 >=1.10,<1.11.0a0", "six")
    assert lock.parts[0].pypi[0].hashes == (f"sha256:{SHA}",)


@pytest.mark.parametrize("version", ["6", "7"])
def test_a_lock_of_pixi(version: str) -> None:
    lock = read(
        "pixi.lock",
        f"""\
        version: {version}
        environments:
          default:
            channels:
            - url: {FORGE}/
            - url: https://host/get/x/
            indexes:
            - https://pypi.org/simple
            packages:
              linux-64:
              - conda: {FORGE}/linux-64/h5py-3.1.0-nompi_py39_1.conda
              - pypi: https://host/keras-2.10.0-py2.py3-none-any.whl
          other:
            channels: []
            packages: {{}}
        packages:
        - conda: {FORGE}/linux-64/h5py-3.1.0-nompi_py39_1.conda
          sha256: {SHA}
          md5: {MD5}
          depends:
          - hdf5 >=1.10,<1.11.0a0
          license: BSD-3-Clause
          size: 5
          timestamp: 1700000000000
        - conda: {FORGE}/noarch/unused-1-0.conda
        - pypi: https://host/keras-2.10.0-py2.py3-none-any.whl
          name: keras
          version: 2.10.0
          sha256: {SHA}
          requires_python: '>=3.8'
        """,
    )
    assert pins(lock) == {"linux-64": ["h5py=3.1.0=nompi_py39_1", "keras==2.10.0"]}
    assert lock.channels == ("conda-forge", "https://host/get/x")
    (h5py,) = lock.part.conda
    assert (h5py.size, h5py.timestamp, h5py.license) == (5, 1_700_000_000_000, "BSD-3-Clause")


PACKAGE = (
    "version: 1\nmetadata: {platforms: [linux-64]}\npackage:\n"
    "- {name: a, version: '1', manager: MANAGER, platform: linux-64, url: URL, hash: {HASH}}\n"
)


def entry(
    manager: str = "conda", url: str = f"{FORGE}/linux-64/a-1-0.conda", hashes: str = ""
) -> str:
    return PACKAGE.replace("MANAGER", manager).replace("URL", url).replace("HASH", hashes)


PIXI = "version: 7\nenvironments: {default: {packages: {linux-64: [{conda: x}]}}}\npackages: []\n"

REFUSED = [
    (
        "poetry.lock",
        "",
        ": not the name of a lock (NAME.txt, pylock.toml, pylock.NAME.toml, NAME.yml, conda-lock",
    ),
    ("conda-lock.yml", "", ":1: not a lock: it is no map of keys"),
    ("conda-lock.yml", "a: [", ":2: not YAML: did not find expected node content"),
    ("conda-lock.yml", "version: 2", ":1: version 2 of conda-lock's format is not read, only 1"),
    ("conda-lock.yml", "version: 1", ":1: there is no metadata here"),
    ("conda-lock.yml", "version: [1]", ":1: expected one value"),
    ("conda-lock.yml", "version: 1\nmetadata: []", ":2: expected a map of keys"),
    ("conda-lock.yml", "version: 1\nmetadata: {}\npackage: {}", ":3: expected a list"),
    ("conda-lock.yml", entry(hashes="md5: xyz"), ":4: a has a malformed md5"),
    (
        "conda-lock.yml",
        entry(url="https://h/x.zip", hashes=f"md5: {MD5}"),
        ":4: https://h/x.zip does not tell name, version and build",
    ),
    (
        "conda-lock.yml",
        entry(manager="pip", url="https://h/a-1.tar.gz"),
        ":4: a has no sha256: only what a hash pins is a lock",
    ),
    (
        "conda-lock.yml",
        entry(manager="pip", hashes=f"sha256: {SHA}").replace("name: a", "name: a b"),
        ":4: 'a b 1' is not a release of a Python package",
    ),
    (
        "conda-lock.yml",
        entry(hashes=f"md5: {MD5}") + entry(hashes=f"md5: {MD5}").splitlines()[-1],
        ":5: a is pinned a second time",
    ),
    ("pixi.lock", "version: 5", ":1: version 5 of pixi's format is not read, only 6 and 7"),
    (
        "pixi.lock",
        PIXI.replace("conda: x", "pypi: ./").replace(
            "[]", f"[{{pypi: ./, name: own, version: '1', sha256: {SHA}, editable: true}}]"
        ),
        ":3: own is in './', which is no file of an index",
    ),
    ("pixi.lock", PIXI, ":2: conda x is not among the packages"),
    (
        "pixi.lock",
        PIXI.replace("default", "a: {}, b"),
        ":2: none of its environments is called default",
    ),
    (
        "pixi.lock",
        PIXI.replace("conda: x", "svn: x").replace("[]", "[{svn: x}]"),
        ":2: 'svn' is neither a conda nor a PyPI package",
    ),
    (
        "pixi.lock",
        PIXI.replace("x}", f"'{FORGE}/noarch/a-1-0.conda'}}").replace(
            "[]", f"[{{conda: '{FORGE}/noarch/a-1-0.conda', size: big}}]"
        ),
        ":3: 'big' is not a whole number",
    ),
    ("conda-linux-64.lock", "@EXPLICIT\nx\n", ":2: 'x' is not the address of a conda package"),
    (
        "conda-linux-64.lock",
        f"@EXPLICIT\n{FORGE}/noarch/a-1-0.conda#zz\n",
        f":2: '{FORGE}/noarch/a-1-0.conda#zz' is not the address of a conda package",
    ),
    (
        "conda-linux-64.lock",
        "@EXPLICIT\n# pip a @ b\n",
        ":2: '# pip a @ b' is not a Python package and its hash",
    ),
    (
        "environment.yml",
        "dependencies: [numpy=1.2]",
        ":1: 'numpy=1.2' is not an exact pin (name==v",
    ),
    ("environment.yml", "dependencies: [numpy]", ":1: 'numpy' is not an exact pin (name==version)"),
    (
        "environment.yml",
        "dependencies: [foo@1]",
        ':1: "foo@1" is not a package as conda writes one',
    ),
    ("environment.yml", "dependencies: [[a]]", ":1: a list inside the list is not read"),
    ("environment.yml", "dependencies: {pip: [a==1]}", ":1: dependencies is a map, and not a list"),
    ("environment.yml", "dependencies: [a==1, a==2]", ":1: a is pinned a second time"),
    ("environment.yml", "a: 1", ":1: not an environment file: it has no list of dependencies"),
]


@pytest.mark.parametrize(("name", "text", "message"), REFUSED)
def test_what_is_no_lock_is_refused_with_the_line(name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(name, text)
    assert caught.value.message.startswith(f"{name}{message}")
