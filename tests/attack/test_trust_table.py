"""The table of trust in docs/security.md: one case for each setting and each source."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from envlock import config
from envlock.choices import Accelerator, EngineName, Format
from envlock.cli import told
from envlock.cli.conda_orders import conda_order
from envlock.cli.options import (
    CondaOptions,
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
)
from envlock.cli.orders import lock_orders
from envlock.conda import rattler
from envlock.config_keys import KEYS
from envlock.errors import UsageError
from envlock.model import IndexSettings
from envlock.progress import Silent
from envlock.workflow.conda.work import channel_addresses
from envlock.workflow.lock import LockOrder
from envlock.workflow.sync import SyncOrder, sync_environment

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
SOURCES = ("flag", "variable", "user's file", "project's file", "input file")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def rows() -> list[list[str]]:
    """Return the cells of the table, row by row."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("| setting |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


CELLS = [
    (row[0].replace("`", "").split(" ")[0], source, says)
    for row in rows()
    for source, says in zip(SOURCES, row[1:], strict=True)
    if says != "—"
]


@dataclass(kw_only=True)
class Setting:
    """A setting: a value for it, and what shows that it was taken."""

    value: str
    taken: Callable[[LockOrder], bool]
    group: str = "request"
    own: str = "ENVLOCK"
    many: bool = False
    file: str = "envlock.toml"


def of_index(value: str, taken: Callable[[IndexSettings], bool], *, many: bool = False) -> Setting:
    """Return a setting of pip's, which is in pip's own files and variables."""
    return Setting(
        value=value,
        taken=lambda order: taken(order.settings),
        group="index",
        own="PIP",
        many=many,
        file="pip.conf",
    )


URL = "https://place.example/simple"
SETTINGS = {
    "python": Setting(value=HERE, taken=lambda o: o.python == HERE),
    "engine": Setting(value="uv", taken=lambda o: o.engine is EngineName.UV),
    "accelerator": Setting(value="cpu", taken=lambda o: o.request.accelerator is Accelerator.CPU),
    "format": Setting(
        value="pylock",
        taken=lambda o: Format.PYLOCK in o.outputs.values(),
        group="files",
        many=True,
    ),
    "platform": Setting(value="macos-arm64", taken=lambda o: o.platform is not None, many=True),
    "exclude-newer": Setting(
        value="2024-01-31", taken=lambda o: o.request.exclude_newer is not None
    ),
    "rules": Setting(value="ours", taken=lambda o: Path("ours") in names(o.rules), many=True),
    "evidence": Setting(value="ours", taken=lambda o: Path("ours") in names(o.evidence), many=True),
    "index-url": of_index(URL, lambda s: s.index_url == URL),
    "extra-index-url": of_index(URL, lambda s: URL in s.extra_index_urls, many=True),
    "find-links": of_index(URL, lambda s: URL in s.find_links, many=True),
    "no-index": of_index("true", lambda s: s.no_index),
    "trusted-host": of_index("h.example", lambda s: "h.example" in s.trusted_hosts, many=True),
    "cert": of_index("/c.pem", lambda s: s.cert == "/c.pem"),
    "client-cert": of_index("/c.pem", lambda s: s.client_cert == "/c.pem"),
    "keyring-provider": of_index("disabled", lambda s: s.keyring_provider == "disabled"),
    "proxy": of_index("http://p.example", lambda s: s.proxy == "http://p.example"),
    "timeout": of_index("77", lambda s: s.timeout == 77),
}
ELSEWHERE = {"channel", "$VARIABLE", "${VARIABLE}", "probe", "env", "force"}


def names(paths: tuple[Path, ...]) -> set[Path]:
    return {Path(path.name) for path in paths}


@dataclass
class Folder:
    """A clone, its user's files, and what is said on the screen."""

    root: Path
    patch: pytest.MonkeyPatch
    screen: pytest.CaptureFixture[str]
    words: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def order(self, *, file: str = "") -> LockOrder:
        """Return what `envlock lock` would do."""
        request = {"requirements": ("demo",)} | self.words.get("request", {})
        if file:
            request["requirement_file"] = (Path(file),)
        (order, *_) = lock_orders(
            "lock",
            RequestOptions(**request),
            IndexOptions(**self.words.get("index", {})),
            LockFileOptions(**self.words.get("files", {})),
            Silent(),
        )
        return order


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Folder:
    for name in [n for n in os.environ if n.startswith(("PIP_", "ENVLOCK_", "CONDA"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(config, "user_file", lambda: tmp_path / "home" / "envlock.toml")
    for name in ("home", "clone"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    told.forget()
    return Folder(tmp_path / "clone", monkeypatch, capsys)


def flag(setting: Setting, name: str, folder: Folder) -> LockOrder:
    value: Any = (setting.value,) if setting.many else setting.value
    if name in {"rules", "evidence"}:
        value = (Path(setting.value),)
    choices: Mapping[str, Any] = {"engine": EngineName, "accelerator": Accelerator}
    if name in choices:
        value = choices[name](setting.value)
    elif name == "format":
        value = (Format(setting.value),)
    elif name == "no-index":
        value = True
    folder.words[setting.group] = {name.replace("-", "_"): value}
    return folder.order()


def variable(setting: Setting, name: str, folder: Folder) -> LockOrder:
    folder.patch.setenv(f"{setting.own}_{name.replace('-', '_').upper()}", setting.value)
    return folder.order()


def users_file(setting: Setting, name: str, folder: Folder) -> LockOrder:
    home = folder.root.parent / "home"
    if setting.file == "pip.conf":
        (home / "pip.conf").write_text(f"[global]\n{name} = {setting.value}\n")
        folder.patch.setenv("PIP_CONFIG_FILE", str(home / "pip.conf"))
    else:
        (home / "envlock.toml").write_text(f'{name} = "{setting.value}"\n')
    return folder.order()


def projects_file(setting: Setting, name: str, folder: Folder) -> LockOrder:
    folder.write("pyproject.toml", tomli_w.dumps({"tool": {"envlock": {name: setting.value}}}))
    return folder.order()


def input_file(setting: Setting, name: str, folder: Folder) -> LockOrder:
    value = "" if name == "no-index" else f" {setting.value}"
    folder.write("requirements.in", f"--{name}{value}\ndemo\n")
    return folder.order(file="requirements.in")


WAYS = dict(zip(SOURCES, (flag, variable, users_file, projects_file, input_file), strict=True))


def outcome(name: str, source: str, folder: Folder) -> str:
    """Return what becomes of a setting from a source, in the words of the table."""
    setting = SETTINGS[name]
    try:
        order = WAYS[source](setting, name, folder)
    except UsageError:
        return "refused"
    said = folder.screen.readouterr().err
    if not setting.taken(order):
        return "ignored"
    return "named" if setting.value in said and f"{name}: " in said else "allowed"


def refused(setting: Setting, name: str, source: str, folder: Folder) -> bool:
    with pytest.raises(UsageError):
        WAYS[source](setting, name, folder)
    return True


def test_the_table_names_every_setting() -> None:
    assert {setting for setting, _, _ in CELLS} == SETTINGS.keys() | ELSEWHERE
    assert set(KEYS) <= SETTINGS.keys()
    fields = {name.replace("_", "-") for name in IndexOptions.__struct_fields__}
    assert fields <= SETTINGS.keys()


@pytest.mark.parametrize(
    ("setting", "source", "says"),
    [each for each in CELLS if each[0] not in ELSEWHERE and each[:2] != ("python", "input file")],
)
def test_a_setting_is_taken_from_whom_it_may_be(
    setting: str, source: str, says: str, folder: Folder
) -> None:
    found = outcome(setting, source, folder)
    if says == "version":
        assert found == "allowed"
        path = Setting(value="./evil", taken=lambda _: True)
        assert refused(path, setting, source, folder)
    else:
        assert found == says


def test_the_python_of_an_input_file_is_a_version(folder: Folder) -> None:
    assert ("python", "input file", "version") in CELLS
    ran = folder.root / "ran"
    (folder.root / "evil").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (folder.root / "evil").chmod(0o755)
    for python, why in (
        (HERE, "has no hashes"),
        ("./evil", "is not a version"),
        ("evil", "is not"),
    ):
        folder.write("lock.txt", f"# python {python} on linux-x86_64\ndemo==1.0\n")
        order = SyncOrder(lock=Path("lock.txt"), folder=Path("env"), settings=IndexSettings())
        with pytest.raises(UsageError, match=why):
            sync_environment(order, Silent())
    assert not ran.exists()


@pytest.mark.parametrize(
    ("setting", "source", "says"), [each for each in CELLS if each[0] in {"probe", "env", "force"}]
)
def test_what_runs_and_what_deletes_is_of_the_command_line(
    setting: str, source: str, says: str, folder: Folder
) -> None:
    other = Setting(value="x", taken=lambda _: False)
    if source == "flag":
        known = {*ProbeOptions.__struct_fields__, *EnvironmentOptions.__struct_fields__}
        assert (setting in known, says) == (True, "allowed")
    elif source == "variable":
        assert (variable(other, setting, folder).engine, says) == (EngineName.PIPTOOLS, "ignored")
    else:
        assert (refused(other, setting, source, folder), says) == (True, "refused")


@pytest.mark.parametrize("word", ["demo==${SECRET}", "demo @ https://h.example/${SECRET}/d.whl"])
def test_no_variable_is_filled_into_a_requirement(word: str, folder: Folder) -> None:
    folder.patch.setenv("SECRET", "s3cret-value")
    folder.words["request"] = {"requirements": (word,)}
    folder.write("requirements.in", f"{word}\n")
    for file in ("", "requirements.in"):
        with pytest.raises(UsageError) as caught:
            folder.order(file=file)
        assert "s3cret-value" not in caught.value.message
    assert ("${VARIABLE}", "input file", "refused") in CELLS


def channels(folder: Folder, text: str = "", typed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the addresses that channels of a file and of the command line stand for."""
    folder.write("environment.yml", f"channels: [{text}]\ndependencies: [python]\n")
    folder.patch.setattr(rattler, "detect", lambda: ("linux-64", ()))
    request = RequestOptions(requirement_file=(Path("environment.yml"),))
    order = conda_order(
        "lock",
        request,
        CondaOptions(channel=typed),
        IndexOptions(),
        LockFileOptions(),
        Silent(),
    )
    return tuple(each.url for each in channel_addresses(order.request, "linux-64")[0])


def test_the_channels_of_a_file_are_named_and_a_flag_need_not_be(folder: Folder) -> None:
    assert {("channel", "input file", "named"), ("channel", "flag", "allowed")} <= set(CELLS)
    channels(folder, "conda-forge, https://h.example/t/s3cret/chan", ("mine",))
    assert folder.screen.readouterr().err == (
        "environment.yml: channels: packages come from https://h.example/t/****/chan\n"
    )
    assert refused(Setting(value="x", taken=bool), "channel", "project's file", folder)


@pytest.mark.parametrize(
    "word",
    [
        "https://h.example/$SECRET",
        "https://h.example/${SECRET}/chan",
        "https://$SECRET.h.example/chan",
        "https://h.example/chan?x=$SECRET",
        "https://h.example/chan#$SECRET",
        "https://h.example/t/token/$SECRET",
        "https://h.example:$SECRET/chan",
        "http://u:$SECRET@h.example/chan",
        "http://127.0.0.1:1/t/$SECRET/chan",
        "http://h.example/t/${SECRET}/chan",
        "$SECRET",
        "file:///$SECRET",
    ],
)
def test_a_file_sends_no_variable_anywhere(word: str, folder: Folder) -> None:
    folder.patch.setenv("SECRET", "s3cret-value")
    with pytest.raises(UsageError) as caught:
        channels(folder, f"'{word}'")
    said = folder.screen.readouterr().err
    assert "s3cret-value" not in "".join((caught.value.message, *caught.value.remedies, said))


def test_a_variable_counts_as_credentials(folder: Folder) -> None:
    folder.patch.setenv("SECRET", "s3/cret@x")
    filled = channels(folder, "'https://u:$SECRET@h.example/a', 'https://h.example/t/${SECRET}/b'")
    assert filled == (
        "https://u:s3%2Fcret%40x@h.example/a/",
        "https://h.example/t/s3%2Fcret%40x/b/",
    )
    assert "h.example is given the value of $SECRET" in folder.screen.readouterr().err
    typed = ("http://u:$SECRET@h.example/c",)
    assert channels(folder, "", typed) == ("http://u:s3%2Fcret%40x@h.example/c/",)
    folder.patch.setenv("PIP_TRUSTED_HOST", "h.example")
    assert channels(folder, "'http://u:$SECRET@h.example/d'") == (
        "http://u:s3%2Fcret%40x@h.example/d/",
    )
    assert {("$VARIABLE", s, "credentials") for s in ("flag", "input file")} <= set(CELLS)
