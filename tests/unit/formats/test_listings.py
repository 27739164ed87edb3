"""What pip and conda print of an environment, in the forms that people keep."""

from __future__ import annotations

from envlock.formats.listings import is_table, rows


def test_what_conda_exports_and_pip_inspects_are_listings() -> None:
    exported = (
        "# This file may be used to create an environment using:\n"
        "# $ conda create --name <env> --file <this file>\n# platform: linux-64\n"
        "_libgcc_mutex=0.1=main\nnumpy=1.26.4=py310h5f9d8c6_0\nkeras=2.10.0=pypi_0\n"
    )
    assert is_table(exported)
    assert [(each.name, each.version, each.channel) for each in rows(exported)] == [
        ("_libgcc_mutex", "0.1", "conda"),
        ("numpy", "1.26.4", "conda"),
        ("keras", "2.10.0", "pypi"),
    ]
    report = (
        '{"version": "1", "pip_version": "24.0", "installed": [{"metadata": {"name": "six",'
        ' "version": "1.16.0", "requires_dist": []}, "installer": "pip"}], "environment": {}}'
    )
    assert [(each.name, each.version) for each in rows(report)] == [("six", "1.16.0")]
