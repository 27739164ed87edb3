"""The table of trust in docs/security.md: one case for each setting and each source."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envlock import config
from envlock.choices import Accelerator, EngineName, Format, IndexStrategy, Manager
from envlock.cli import output as told
from envlock.cli.options import (
    CondaOptions,
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
)
from envlock.cli.orders import changing, environment_folder
from envlock.commands.docker import ImageOptions
from envlock.commands.docker.run import as_configured
from envlock.commands.environments.sync import SyncOrder, sync_environment
from envlock.commands.lock.folder import Typed, understand
from envlock.commands.lock.job import lock_job
from envlock.conda import rattler
from envlock.config.keys import KEYS
from envlock.errors import UsageError
from envlock.index import secrets
from envlock.index.handover import pip_environment, uv_cache, uv_environment
from envlock.index.secrets import redact
from envlock.locking.conda import channel_addresses
from envlock.locking.job import Job
from envlock.model import IndexSettings, Requested
from envlock.progress import Silent
from envlock.system.caches import folder_of_variable
from envlock.system.processes import solve_limit

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
    taken: Callable[[Job], bool]
    group: str = "request"
    own: str = "ENVLOCK"
    many: bool = False
    file: str = "envlock.toml"
    flag: str = ""
    table: bool = False

    @property
    def line(self) -> str:
        """What a file of TOML has for it, after its name."""
        name, equals, place = self.value.partition("=")
        return f'{{ "{name}" = "{place}" }}' if equals and self.table else f'"{self.value}"'

    @property
    def place(self) -> str:
        return self.value.partition("=")[2] or self.value


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


def asks_for(name: str, requested: Iterable[Requested]) -> bool:
    return name in {each.requirement.name for each in requested}


def image() -> ImageOptions:
    return as_configured(ImageOptions())


def understood_output() -> Path | None:
    request = RequestOptions(requirements=("demo",))
    typed = Typed(request=request, index=IndexOptions())
    return understand("lock", typed, Silent()).typed.files.output


URL = "https://place.example/simple"
PROJECT = """\
[project]
name = "own"
dependencies = ["demo"]
optional-dependencies = {more = ["extra"], less = ["other"]}
[dependency-groups]
more = ["grouped"]
less = ["other"]
"""
SETTINGS = {
    "requirements": Setting(
        value="-r ours.in",
        taken=lambda o: asks_for("ours", o.request.requirements),
        many=True,
        flag="requirement_file",
    ),
    "constraints": Setting(
        value="-c ours.in",
        taken=lambda o: asks_for("ours", o.request.constraints),
        many=True,
        flag="constraint_file",
    ),
    "extras": Setting(
        value="more",
        taken=lambda o: asks_for("extra", o.request.requirements),
        many=True,
        flag="extra",
    ),
    "groups": Setting(
        value="more",
        taken=lambda o: asks_for("grouped", o.request.requirements),
        many=True,
        flag="group",
    ),
    "all-extras": Setting(value="true", taken=lambda o: len(o.request.optional) == 2),
    "no-extra": Setting(value="less", taken=lambda o: len(o.request.optional) == 1, many=True),
    "all-groups": Setting(value="true", taken=lambda o: len(o.request.optional) == 2),
    "no-group": Setting(value="less", taken=lambda o: len(o.request.optional) == 1, many=True),
    "needs": Setting(value="resume", taken=lambda o: o.request.needs == ("resume",), many=True),
    "no-imports": Setting(
        value="numpy", taken=lambda o: o.request.no_imports == ("numpy",), many=True
    ),
    "allow-build": Setting(
        value="demo", taken=lambda o: o.request.allow_build == ("demo",), many=True
    ),
    "fresh": Setting(value="true", taken=lambda o: o.fresh),
    "universal": Setting(value="true", taken=lambda o: o.together, group="files"),
    "manager": Setting(value="micromamba", taken=lambda o: bool(o.subdirs), group="conda"),
    "channels": Setting(
        value="https://h.example/chan",
        taken=lambda o: "https://h.example/chan" in o.request.channels,
        group="conda",
        many=True,
        flag="channel",
    ),
    "env": Setting(value="ours", taken=lambda _: environment_folder(None) == Path("ours")),
    "python": Setting(value=HERE, taken=lambda o: o.python == HERE),
    "engine": Setting(value="uv", taken=lambda o: o.engine is EngineName.UV),
    "accelerator": Setting(value="cpu", taken=lambda o: o.request.accelerator is Accelerator.CPU),
    "format": Setting(
        value="pylock",
        taken=lambda o: Format.PYLOCK in o.outputs.values(),
        group="files",
        many=True,
    ),
    "platform": Setting(value="macos-arm64", taken=lambda o: bool(o.places), many=True),
    "exclude-newer": Setting(
        value="2024-01-31", taken=lambda o: o.request.exclude_newer is not None
    ),
    "rules": Setting(value="ours", taken=lambda o: Path("ours") in names(o.rules), many=True),
    "evidence": Setting(value="ours", taken=lambda o: Path("ours") in names(o.evidence), many=True),
    "index-url": of_index(URL, lambda s: s.index_url == URL),
    "extra-index-url": of_index(URL, lambda s: URL in s.extra_index_urls, many=True),
    "find-links": of_index(URL, lambda s: URL in s.find_links, many=True),
    "no-index": of_index("true", lambda s: s.no_index or s.offline),
    "trusted-host": of_index("h.example", lambda s: "h.example" in s.trusted_hosts, many=True),
    "cert": of_index("/c.pem", lambda s: s.cert == "/c.pem"),
    "client-cert": of_index("/c.pem", lambda s: s.client_cert == "/c.pem"),
    "keyring-provider": of_index("disabled", lambda s: s.keyring_provider == "disabled"),
    "index-strategy": Setting(
        value="best-match",
        taken=lambda o: o.settings.index_strategy is IndexStrategy.BEST,
        group="index",
    ),
    "sources": Setting(
        value=f"acme-*={URL}",
        taken=lambda o: ("acme-*", URL) in o.settings.sources,
        table=True,
    ),
    "refresh": Setting(value="true", taken=lambda o: o.settings.refresh, group="index"),
    "no-cache": Setting(value="true", taken=lambda o: o.settings.no_cache, group="index"),
    "offline": Setting(value="true", taken=lambda o: o.settings.offline, group="index"),
    "solve-timeout": Setting(value="77", taken=lambda _: solve_limit() == 77),
    "cache-dir": Setting(
        value="/kept", taken=lambda _: folder_of_variable("ENVLOCK_CACHE_DIR") == Path("/kept")
    ),
    "proxy": of_index("http://p.example", lambda s: s.proxy == "http://p.example"),
    "timeout": of_index("77", lambda s: s.timeout == 77),
}
SETTINGS |= {
    "output": Setting(value="ours.txt", taken=lambda _: understood_output() == Path("ours.txt")),
    "inexact": Setting(value="true", taken=lambda _: changing(EnvironmentOptions()).inexact),
    "no-pip": Setting(value="true", taken=lambda _: changing(EnvironmentOptions()).no_pip),
    "image": Setting(value="ours", taken=lambda _: image().output == Path("ours")),
    "base": Setting(value="slim", taken=lambda _: image().base == "slim"),
    "base-digest": Setting(value="sha256:0", taken=lambda _: image().base_digest == "sha256:0"),
    "base-freeze": Setting(value="ours", taken=lambda _: image().base_freeze == Path("ours")),
    "label": Setting(value="a.b=c d", taken=lambda _: image().label == ("a.b=c d",), many=True),
    "no-verify": Setting(value="true", taken=lambda _: image().no_verify),
}
#: Options of commands that no lock is made by, so what is typed is looked at here.
OF_COMMANDS = {"inexact", "no-pip", "image", "base", "base-digest", "base-freeze", "label"}
OF_COMMANDS |= {"no-verify", "output"}
ELSEWHERE = {"$VARIABLE", "${VARIABLE}", "probe", "force"}
SHOWN_ELSEWHERE = {("python", "input file"), ("channels", "input file"), ("env", "flag")}
SHOWN_ELSEWHERE |= {(name, "flag") for name in OF_COMMANDS}
#: What a setting needs beside it to be of any use.
BESIDE: dict[str, dict[str, Any]] = {
    "no-extra": {"all_extras": True},
    "no-group": {"all_groups": True},
    "universal": {"platform": ("linux-x86_64", "macos-arm64")},
}
#: What is asked for by a project.
OF_PROJECT = {"extras", "groups", "all-extras", "no-extra", "all-groups", "no-group"}


def names(paths: tuple[Path, ...]) -> set[Path]:
    return {Path(path.name) for path in paths}


@dataclass
class Folder:
    """A clone, its user's files, and what is said on the screen."""

    root: Path
    patch: pytest.MonkeyPatch
    screen: pytest.CaptureFixture[str]
    words: dict[str, dict[str, Any]] = field(default_factory=dict)
    bare: bool = False

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def order(self, *, file: str = "") -> Job:
        """Return what `envlock lock` would do."""
        request = {"requirements": () if self.bare else ("demo",)} | self.words.get("request", {})
        if file:
            request["requirement_file"] = (Path(file),)
        return lock_job(
            "lock",
            Typed(
                request=RequestOptions(**request),
                index=IndexOptions(**self.words.get("index", {})),
                files=LockFileOptions(**self.words.get("files", {})),
                conda=CondaOptions(**self.words.get("conda", {})),
            ),
            Silent(),
        )


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
    for name in ("clone", "home"):
        (tmp_path / name / "ours.in").write_text("ours\n")
    monkeypatch.chdir(tmp_path / "clone")
    monkeypatch.setattr(rattler, "detect", lambda: ("linux-64", ()))
    told.forget()
    return Folder(tmp_path / "clone", monkeypatch, capsys)


def flag(setting: Setting, name: str, folder: Folder) -> Job:
    value: Any = (setting.value,) if setting.many else setting.value
    if name in {"rules", "evidence"}:
        value = (Path(setting.value),)
    elif setting.value.startswith("-"):
        value = (Path(setting.value[3:]),)
    elif setting.own != "PIP" and setting.value == "true":
        value = True
    choices: Mapping[str, Any] = {
        "engine": EngineName,
        "accelerator": Accelerator,
        "index-strategy": IndexStrategy,
        "manager": Manager,
    }
    if name in choices:
        value = choices[name](setting.value)
    elif name == "format":
        value = (Format(setting.value),)
    elif name in {"no-index", "refresh", "no-cache", "offline"}:
        value = True
    own = folder.words.get(setting.group, {})
    folder.words[setting.group] = {**own, setting.flag or name.replace("-", "_"): value}
    return folder.order()


def variable(setting: Setting, name: str, folder: Folder) -> Job:
    folder.patch.setenv(f"{setting.own}_{name.replace('-', '_').upper()}", setting.value)
    return folder.order()


def users_file(setting: Setting, name: str, folder: Folder) -> Job:
    home = folder.root.parent / "home"
    if setting.file == "pip.conf":
        (home / "pip.conf").write_text(f"[global]\n{name} = {setting.value}\n")
        folder.patch.setenv("PIP_CONFIG_FILE", str(home / "pip.conf"))
    else:
        (home / "envlock.toml").write_text(f"{name} = {setting.line}\n")
    return folder.order()


def projects_file(setting: Setting, name: str, folder: Folder) -> Job:
    own = PROJECT if name in OF_PROJECT else ""
    folder.write("pyproject.toml", f"{own}[tool.envlock]\n{name} = {setting.line}\n")
    return folder.order()


def input_file(setting: Setting, name: str, folder: Folder) -> Job:
    value = "" if name == "no-index" else f" {setting.value}"
    folder.write("requirements.in", f"--{name}{value}\ndemo\n")
    return folder.order(file="requirements.in")


WAYS = dict(zip(SOURCES, (flag, variable, users_file, projects_file, input_file), strict=True))


def outcome(name: str, source: str, folder: Folder) -> str:
    """Return what becomes of a setting from a source, in the words of the table."""
    setting = SETTINGS[name]
    folder.bare = name in OF_PROJECT or name == "requirements"
    if name in OF_PROJECT:
        folder.write("pyproject.toml", PROJECT)
    folder.words |= {"request": BESIDE[name]} if name in BESIDE else {}
    folder.words |= {"conda": {"manager": Manager.CONDA}} if name == "channels" else {}
    try:
        order = WAYS[source](setting, name, folder)
    except UsageError:
        return "refused"
    said = folder.screen.readouterr().err
    if not setting.taken(order):
        return "ignored"
    return "named" if setting.place in said and f"{name}: " in said else "allowed"


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
    [each for each in CELLS if each[0] not in ELSEWHERE and each[:2] not in SHOWN_ELSEWHERE],
)
def test_a_setting_is_taken_from_whom_it_may_be(
    setting: str, source: str, says: str, folder: Folder
) -> None:
    found = outcome(setting, source, folder)
    if says == "version":
        assert found == "allowed"
        path = Setting(value="./evil", taken=lambda _: True)
        assert refused(path, setting, source, folder)
    elif says == "inside":
        assert found == "allowed"
        start = SETTINGS[setting].value.partition("ours")[0]
        outside = Setting(value=f"{start}../elsewhere", taken=lambda _: True, many=True)
        assert refused(outside, setting, source, folder)
        (folder.root / "linked").symlink_to(folder.root.parent)
        through = Setting(value=f"{start}linked/elsewhere", taken=lambda _: True, many=True)
        assert refused(through, setting, source, folder)
    elif says == "envlock's own":
        assert found == "refused"
        WAYS[source](Setting(value="conda", taken=bool), setting, folder)
    elif says == "first-index":
        assert found == "refused"
        first = Setting(value=says, taken=bool)
        WAYS[source](first, setting, folder)
    else:
        assert found == says


def test_what_a_command_takes_is_what_is_typed() -> None:
    known = {*ImageOptions.__struct_fields__, *EnvironmentOptions.__struct_fields__}
    known |= {*LockFileOptions.__struct_fields__}
    assert {name.replace("-", "_") for name in OF_COMMANDS} - {"image"} <= known


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
    ("setting", "source", "says"),
    [each for each in CELLS if each[0] in {"probe", "force"} or each[:2] == ("env", "flag")],
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


@pytest.mark.parametrize(
    "url", ["https://h.example/${SECRET}/simple", "http://u:${SECRET}@h.example/simple"]
)
def test_a_variable_of_an_index_is_credentials_over_https(url: str, folder: Folder) -> None:
    assert (["${VARIABLE}", "in", "an", "index"][0], "input file", "credentials") in CELLS
    folder.patch.setenv("SECRET", "s3cret-value")
    folder.write("requirements.in", f"--index-url {url}\ndemo\n")
    with pytest.raises(UsageError) as caught:
        folder.order(file="requirements.in")
    assert "s3cret-value" not in caught.value.message
    folder.write("requirements.in", "--index-url https://u:${SECRET}@h.example/simple\ndemo\n")
    order = folder.order(file="requirements.in")
    assert order.settings.index_url == "https://u:s3cret-value@h.example/simple"
    said = folder.screen.readouterr().err
    assert "h.example asks for the value of $SECRET" in said
    assert "s3cret-value" not in f"{said} {order.command} {order.request.pip_options}"


@pytest.mark.parametrize("option", ["--no-index", "--trusted-host h.example"])
def test_a_file_that_only_the_folder_names_turns_nothing_off(option: str, folder: Folder) -> None:
    folder.write("requirements.in", f"{option}\ndemo\n")
    folder.write("pyproject.toml", "[tool.envlock]\nrequirements = ['-r requirements.in']\n")
    folder.bare = True
    with pytest.raises(UsageError, match="whoever names the file"):
        folder.order()


def channels(folder: Folder, text: str = "", typed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the addresses that channels of a file and of the command line stand for."""
    folder.write("environment.yml", f"channels: [{text}]\ndependencies: [python]\n")
    folder.patch.setattr(rattler, "detect", lambda: ("linux-64", ()))
    request = RequestOptions(requirement_file=(Path("environment.yml"),))
    conda = CondaOptions(channel=typed)
    job = lock_job("lock", Typed(request=request, index=IndexOptions(), conda=conda), Silent())
    return tuple(each.url for each in channel_addresses(job.request, "linux-64")[0])


def test_the_channels_of_a_file_are_named_and_a_flag_need_not_be(folder: Folder) -> None:
    assert {("channels", "input file", "named"), ("channels", "flag", "allowed")} <= set(CELLS)
    channels(folder, "conda-forge, https://h.example/t/s3cret/chan", ("mine",))
    assert folder.screen.readouterr().err == (
        "environment.yml: channels: packages come from https://h.example/t/****/chan\n"
    )


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


@pytest.mark.parametrize(
    "url",
    [
        r"https://evil.example\@own.example/t/{}/x",
        r"https://evil.example\\@127.0.0.1/{}",
        "https://evil.example\t@own.example/{}",
    ],
)
def test_an_address_with_two_hosts_is_none(url: str, folder: Folder) -> None:
    """Python takes what is after the @ for the host, uv and rattler what is before."""
    folder.patch.setenv("SECRET", "s3cret-value")
    folder.patch.setenv("PIP_TRUSTED_HOST", "own.example")
    for typed in ((), (url.format("$SECRET"),)):
        with pytest.raises(UsageError, match="no address has a backslash or a blank in it"):
            channels(folder, "" if typed else repr(url.format("$SECRET")), typed)
    for name in ("index-url", "extra-index-url", "find-links", "sources"):
        value = url.format("simple").replace("\\", "\\\\").replace("\t", "\\t")
        value = f"acme={value}" if name == "sources" else value
        with pytest.raises(UsageError) as caught:
            projects_file(Setting(value=value, taken=bool, table=True), name, folder)
        assert "no address has a backslash or a blank in it" in caught.value.message


def test_a_variable_counts_as_credentials(folder: Folder) -> None:
    folder.patch.setenv("SECRET", "s3/cret@x")
    filled = channels(folder, "'https://u:$SECRET@h.example/a', 'https://h.example/t/${SECRET}/b'")
    assert filled == (
        "https://u:s3%2Fcret%40x@h.example/a/",
        "https://h.example/t/s3%2Fcret%40x/b/",
    )
    assert "h.example asks for the value of $SECRET" in folder.screen.readouterr().err
    typed = ("http://u:$SECRET@h.example/c",)
    assert channels(folder, "", typed) == ("http://u:s3%2Fcret%40x@h.example/c/",)
    folder.patch.setenv("PIP_TRUSTED_HOST", "h.example")
    assert channels(folder, "'http://u:$SECRET@h.example/d'") == (
        "http://u:s3%2Fcret%40x@h.example/d/",
    )
    assert {("$VARIABLE", s, "credentials") for s in ("flag", "input file")} <= set(CELLS)


def test_an_index_that_sources_name_is_encrypted_or_of_this_machine(folder: Folder) -> None:
    for url, taken in (
        ("http://u:s3cr3t-pw@h.example/simple", False),
        ("ftp://u:s3cr3t-pw@h.example/simple", False),
        ("http://127.0.0.1:9/simple", True),
        ("https://u:s3cr3t-pw@h.example/simple", True),
    ):
        setting = Setting(value=f"acme={url}", taken=bool, table=True)
        if taken:
            assert projects_file(setting, "sources", folder).settings.sources == (("acme", url),)
            shown = url.replace("u:s3cr3t-pw", "****")
            assert folder.screen.readouterr().err.endswith(
                f"pyproject.toml: sources: acme comes from {shown}\n"
            )
        else:
            with pytest.raises(UsageError) as caught:
                projects_file(setting, "sources", folder)
            assert "s3cr3t-pw" not in "".join((caught.value.message, *caught.value.remedies))


def test_sources_that_the_users_go_before_are_not_named(folder: Folder) -> None:
    folder.patch.setenv("ENVLOCK_SOURCES", "ac*=https://own.example/simple")
    text = '[tool.envlock.sources]\nacme = "https://a.example/s"\nb = "https://a.example/s"\n'
    folder.write("pyproject.toml", f'{text}c = "pypi.org"\n')
    folder.order()
    where = folder.root / "pyproject.toml"
    assert folder.screen.readouterr().err == (
        f"{where}: sources: b comes from https://a.example/s\n"
        f"{where}: sources: c comes from https://pypi.org/simple\n"
    )


#: Constants in capitals that name no variable which is read.
NO_VARIABLES = frozenset(
    {
        *("CS_GNU_LIBC_VERSION", "SC_CLK_TCK", "O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"),
        *("WITHOUT_HASHES", "WITH_FILES"),
        # Only told to programs that are started, or kept from them.
        *("FORCE_COLOR", "SSL_CLIENT_CERT", "MACOSX_DEPLOYMENT_TARGET"),
        *("GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT"),
        "LC_ALL",
    }
)
TOLD = re.compile(r"(?:PIP|UV)_")
IN_CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
PACKAGE = Path(config.__file__).parents[1]
#: Where a name of a variable is worked out: by the table of settings, from a channel, from a list;
#: `cli/__init__.py` asks for the one by which a shell completes.
WORKED_OUT = {
    *(
        "cli/__init__.py",
        "cli/arguments.py",
        "conda/channels.py",
        "targets/subdirs.py",
        "config/__init__.py",
    ),
    *("environment/inspect.py", "environment/layout.py", "environment/shell.py"),
    *("index/handover.py", "index/settings.py", "commands/lock/options.py"),
    *("system/caches.py", "system/processes.py"),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in PACKAGE.rglob("*.py"):
        if "scripts" not in path.parts:
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def is_environ(node: ast.expr) -> bool:
    return getattr(node, "attr", getattr(node, "id", "")) == "environ"


def keys_read(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what the environment is asked for: environ[X], environ.get(X), X in environ."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environ(node.value):
            yield node.slice
        elif isinstance(node, ast.Compare) and any(map(is_environ, node.comparators)):
            yield node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            asked = node.func.attr in {"get", "pop", "setdefault"} and is_environ(node.func.value)
            if asked or node.func.attr == "getenv":
                yield node.args[0]


def constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that have a name of their own in a module."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_the_tables_name_every_variable_that_is_read() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    named = {f"ENVLOCK_{row[0].strip('`').replace('-', '_').upper()}" for row in rows()}
    named |= set(re.findall(r"`([A-Z_]+)`", text))
    for name, tree in modules():
        known = constants(tree)
        for key in keys_read(tree):
            told = known.get(getattr(key, "id", ""), getattr(key, "value", None))
            if isinstance(told, str):
                assert told in named, f"{name}:{key.lineno}"
            else:
                assert name in WORKED_OUT, f"{name}:{key.lineno}"
        texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
        found = {each for each in texts if isinstance(each, str) and IN_CAPITALS.fullmatch(each)}
        assert {each for each in found - named - NO_VARIABLES if not TOLD.match(each)} == set(), (
            name
        )
    assert named >= {"ENVLOCK_REFRESH", "ENVLOCK_SOLVE_TIMEOUT", "UV_CACHE_DIR", "NETRC", "TMPDIR"}


def test_other_variables_of_pip_and_uv_reach_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    others = ("PIP_TARGET", "PIP_PRE", "UV_OVERRIDE", "UV_CONFIG_FILE", "UV_PRERELEASE")
    python = ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME")
    for name in (*others, *python, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "x")
    for environment in (uv_environment(IndexSettings()), pip_environment(IndexSettings())):
        assert environment.keys().isdisjoint((*others, *python, "REQUESTS_CA_BUNDLE"))


CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_are_those_of_a_variable_where_none_are_chosen(
    name: str, folder: Folder
) -> None:
    for each in CERTIFICATES:
        folder.patch.delenv(each, raising=False)
    folder.write("c.pem", "")
    path = str(folder.root / "c.pem")
    folder.patch.setenv(name, path)
    assert folder.order().settings.cert == path
    folder.words["index"] = {"cert": "/own.pem"}
    assert folder.order().settings.cert == "/own.pem"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_password_of_a_proxy_is_a_secret(name: str, folder: Folder) -> None:
    folder.patch.setenv(name, "http://me:pr0xy-s3cret@p.example:3128")
    folder.order()
    assert redact("it said pr0xy-s3cret") == "it said ****"
    secrets.forget()


@pytest.mark.parametrize("name", ["UV_CACHE_DIR", "XDG_CACHE_HOME"])
def test_uv_keeps_its_cache_where_its_variable_says(name: str, folder: Folder) -> None:
    folder.patch.delenv("UV_CACHE_DIR", raising=False)
    folder.patch.setenv(name, str(folder.root / "kept"))
    assert uv_cache().is_relative_to(folder.root / "kept")


@pytest.mark.parametrize("name", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_the_pip_conf_of_an_active_environment_is_the_users(name: str, folder: Folder) -> None:
    for each in ("VIRTUAL_ENV", "PIP_CONFIG_FILE"):
        folder.patch.delenv(each, raising=False)
    folder.patch.setenv(name, str(folder.root))
    folder.write("pip.conf", f"[global]\nextra-index-url = {URL}\n")
    assert URL in folder.order().settings.extra_index_urls
    folder.patch.delenv(name)
    assert URL not in folder.order().settings.extra_index_urls


def test_names_of_channels_are_below_the_alias_of_the_user(folder: Folder) -> None:
    folder.patch.setenv("CONDA_CHANNEL_ALIAS", "https://alias.example")
    assert channels(folder, "chan") == ("https://alias.example/chan/",)
