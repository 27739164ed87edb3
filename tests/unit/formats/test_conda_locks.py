"""What locks of conda's packages list, in each version of their formats; entries are abridged.

The shapes are those of rattler_lock's test data (BSD-3-Clause) and of pixi's examples.
"""

from __future__ import annotations

from pathlib import PurePath

import pytest

from envlock.errors import UsageError
from envlock.formats.conda_locks import listing
from envlock.formats.registry import FileFormat, detect

URL = "https://conda.anaconda.org/conda-forge/linux-64"
WHEEL = "https://files.pythonhosted.org/packages/fa/2a/blinker-1.7.0-py3-none-any.whl"
OLD = f"""\
version: {{version}}
metadata:
  platforms: [linux-64]
package:
- {{{{platform: linux-64, name: numpy, version: 1.26.4, manager: conda, category: main,
  url: {URL}/numpy-1.26.4-py312_0.conda}}}}
- {{{{platform: linux-64, name: blinker, version: 1.7.0, manager: pip, url: {WHEEL}}}}}
"""
MIDDLE = f"""\
version: {{version}}
environments:
  default:
    channels: [{{{{url: https://conda.anaconda.org/conda-forge/}}}}]
    packages:
      linux-64:
      - conda: {URL}/numpy-1.26.4-py312_0.conda
      - pypi: {WHEEL}
      - pypi: ./minimal_project
packages:
- {{{{kind: conda, name: numpy, version: 1.26.4, url: {URL}/numpy-1.26.4-py312_0.conda}}}}
- {{{{kind: pypi, name: blinker, version: 1.7.0, url: {WHEEL}}}}}
- {{{{kind: pypi, name: minimal-project, path: ./minimal_project}}}}
"""
NEW = f"""\
version: {{version}}
environments:
  default: {{{{packages: {{{{}}}}}}}}
  gpu:
    packages:
      linux-64:
      - conda: {URL}/numpy-1.26.4-py312_0.conda
      - pypi: {WHEEL}
      - conda_source: my-package[2a17d7b3] @ my-package-linux
packages:
- conda: {URL}/numpy-1.26.4-py312_0.conda
  sha256: fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726
- pypi: {WHEEL}
- conda_source: my-package[2a17d7b3] @ my-package-linux
  version: 1.0.0
"""
CASES = [
    *((OLD, version, {}) for version in (1, 2, 3)),
    *((MIDDLE, version, {"minimal-project": ""}) for version in (4, 5)),
    *((NEW, version, {"my-package": "1.0.0"}) for version in (6, 7)),
]


@pytest.mark.parametrize(("text", "version", "more"), CASES)
def test_names_and_versions_of_every_version_are_read(
    text: str, version: int, more: dict[str, str]
) -> None:
    found = listing("pixi.lock", text.format(version=version))
    listed = {each.name: each.version for each in found.packages["linux-64"]}
    assert listed == {"numpy": "1.26.4", "blinker": "1.7.0", **more}
    assert {each.name for each in found.packages["linux-64"] if each.pip} >= {"blinker"}


def test_the_lock_of_micromamba_in_json_is_for_one_platform() -> None:
    text = """{"lockVersion": "1.0.1", "platform": "linux-64", "channels": ["conda-forge"],
    "packages": {"numpy-1.26.4-py312_0.conda": {"name": "numpy", "version": "1.26.4"},
      "xz-5.2.6-h166bdaf_0.tar.bz2": {"subdir": "linux-64"}},
    "pipPackages": {"blinker-1.7.0-py3-none-any.whl": {"name": "blinker", "version": "1.7.0"}}}"""
    assert detect(PurePath("made-linux-64.json"), text) is FileFormat.CONDA_LOCK
    (listed,) = listing("made-linux-64.json", text).packages.values()
    assert [(each.name, each.version, each.pip) for each in listed] == [
        ("numpy", "1.26.4", False),
        ("xz", "5.2.6", False),
        ("blinker", "1.7.0", True),
    ]


def test_a_lock_without_environments_lists_nothing() -> None:
    text = "version: 6\nenvironments: {}\npackages: []\n"
    assert listing("pixi.lock", text).packages == {}
    with pytest.raises(UsageError, match="no environment gpu; it has none"):
        listing("pixi.lock", text, "gpu")


def test_an_environment_is_named_or_the_first_that_has_packages() -> None:
    text = NEW.format(version=7)
    assert listing("pixi.lock", text).chosen == "gpu"
    assert listing("pixi.lock", text).environments == ("default", "gpu")
    assert listing("pixi.lock", text, "default").packages == {}
    with pytest.raises(UsageError, match="no environment cpu; it has gpu, default"):
        listing("pixi.lock", text, "cpu")


@pytest.mark.parametrize("text", ["", "[]", "version: 1\n", "environments: [a]\n", "a: [\n"])
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        listing("pixi.lock", text)
