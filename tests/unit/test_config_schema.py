"""The JSON Schema of the configuration takes what the configuration takes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w

from envlock.config import Config, config_schema, load_config
from envlock.errors import UsageError

KEYS = tuple(config_schema()["properties"])
#: Of every kind that TOML has, right and wrong for one key or another.
VALUES: tuple[Any, ...] = (
    *("uv", "cpu", "pylock", "2024-01-31", "https://x.example/simple", "conda-forge"),
    *("", [], ["pylock"], ["uv", "requirements"], ["ours", "theirs"], [""], [1], [["uv"]]),
    *(1, 1.5, True, {}, {"a": "b"}),
)


def is_read(key: str, value: object, folder: Path) -> bool:
    text = tomli_w.dumps({"tool": {"envlock": {key: value}}})
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    try:
        load_config(folder, {"XDG_CONFIG_HOME": str(folder)})
    except UsageError:
        return False
    return True


def fits(document: object) -> bool:
    return bool(jsonschema.Draft7Validator(config_schema()).is_valid(document))


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(config_schema())
    assert json.loads(json.dumps(config_schema())) == config_schema()


def test_the_schema_has_every_setting_and_says_what_each_is(tmp_path: Path) -> None:
    fields = {*Config.__struct_fields__} - {"said", "places", "notes"}
    read = {key for key in KEYS if is_read(key, fitting(key), tmp_path)}
    assert (len(read), read) == (len(fields), set(KEYS))
    assert all(each["description"].endswith(".") for each in config_schema()["properties"].values())


def fitting(key: str) -> str | dict[str, str]:
    if key == "sources":
        return {"acme-*": "https://acme.example/simple"}
    words = config_schema()["properties"][key]
    one = words.get("anyOf", [words])[0]
    word = {"platform": "win-64", "python": "3.11"}.get(key, "2024-01-31")
    return str(one.get("enum", [word])[0])


@pytest.mark.parametrize("key", [*KEYS, "exclude_newer", "platforms", "rule"])
def test_the_schema_and_the_reader_agree(key: str, tmp_path: Path) -> None:
    for value in VALUES:
        if key in {"exclude-newer", "platform", "python"} and fits({key: value}):
            continue  # which words are a date, a platform or a project's Python, no schema says
        assert (value, fits({key: value})) == (value, is_read(key, value, tmp_path))


def test_several_settings_stand_together(tmp_path: Path) -> None:
    table = {key: fitting(key) for key in KEYS}
    assert fits(table)
    (tmp_path / "pyproject.toml").write_text(tomli_w.dumps({"tool": {"envlock": table}}))
    assert load_config(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)}).engine == table["engine"]
