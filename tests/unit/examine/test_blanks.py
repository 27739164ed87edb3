"""A blank before an operator, which PEP 508 and conda both let in, drops no requirement."""

from pathlib import Path

import pytest

from envlock.examine.files import examine_path
from envlock.examine.gathered import Given

FILES = {
    "requirements.txt": "h5py ~= 2.10\nnumpy >= 1.20 , < 2\n",
    "constraints.in": "h5py  ~=2.10\nnumpy >=1.20,<2\n",
    "environment.yml": "dependencies:\n  - numpy >=1.20,<2\n  - pip:\n    - h5py ~= 2.10\n",
    "environment.yaml": "dependencies:\n  - h5py ~=2.10\n  - numpy >=1.20,<2\n",
    "pyproject.toml": '[project]\nname = "a"\nversion = "1"\n'
    'dependencies = ["h5py ~= 2.10", "numpy (>= 1.20, < 2)"]\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_blank_before_an_operator_drops_no_requirement(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    found = examine_path(path, Given())
    bounds = {name: str(each) for name, each in found.loose.items() if name != "pip"}
    assert bounds == {"h5py": "~=2.10", "numpy": "<2,>=1.20"}
