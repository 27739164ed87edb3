"""Where packages come from, read as pip reads it.

pip's order, later over earlier: machine-wide files, the user's files, the
environment's file, ``PIP_CONFIG_FILE``; within all of them ``[install]`` over
``[global]``; then ``PIP_*`` variables; then flags, whose lists are added.
Source: pip's ``_internal/configuration.py`` and ``_internal/cli/parser.py``.

``[tool.envlock.sources]`` holds packages to one index each.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from msgspec import Struct

from envlock.errors import UsageError
from envlock.index.hosts import check_address, check_index, trusted_host
from envlock.index.origin import indexes, public
from envlock.index.secrets import learn_url, redact
from envlock.model import IndexSettings
from envlock.system import WINDOWS, Refused, contents, read_text
from envlock.system.looking import exists, expand, home, is_file, is_folder

Sources = tuple[tuple[str, str], ...]
_PATTERN = r"[a-z0-9*?](?:[a-z0-9*?-]*[a-z0-9*?])?"
_FILE_NAME = "pip.ini" if WINDOWS else "pip.conf"
_SECTIONS = ("global", "install")
_KEYRING_PROVIDERS = ("auto", "disabled", "import", "subprocess")
_LONGEST = 86400.0  # seconds: what is longer than a day, or no number, is a mistake
_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")


def read_source(text: str) -> tuple[str, str]:
    """Return the normalised name or pattern and the place of ``NAME=PLACE``.

    Raises:
        UsageError: it is no such pair, or the name is none.
    """
    written, sign, place = text.partition("=")
    name = re.sub(r"[-_.]+", "-", written.strip()).lower()
    if not sign or not place.strip() or not re.fullmatch(_PATTERN, name):
        raise UsageError(
            f"{redact(text)!r} is not NAME=INDEX, where NAME is a package or a pattern like acme-*",
            'write "acme-*" = "https://HOST/simple"',
        )
    return name, place.strip()


def closest_first(sources: Iterable[tuple[str, str]]) -> Sources:
    """Return the sources with names before patterns, and long patterns before short ones."""
    return tuple(
        sorted(sources, key=lambda each: ("*" in each[0] or "?" in each[0], -len(each[0])))
    )


def placed(sources: Sources, settings: IndexSettings) -> Sources:
    """Return the sources with the URL of each place, as the settings have it.

    A place is a URL, which need not be configured otherwise, or the host of
    one of the indexes.

    Raises:
        UsageError: there is no such index, or two have that host, or nothing is read from it.
    """
    return tuple((name, _place(name, place, settings)) for name, place in sources)


def _place(name: str, place: str, settings: IndexSettings) -> str:
    configured = (*indexes(settings), *settings.find_links)
    if "://" in place or place.startswith("file:"):
        learn_url(place)
        check_address(place, f"sources: the index of {name},")
        return next((url for url in configured if public(url) == public(place)), place.rstrip("/"))
    meant = [url for url in configured if place in {_host(url), public(url)}]
    if len(meant) == 1:
        return meant[0]
    known = " and ".join(public(url) for url in meant or configured)
    wrong = f"{len(meant)} indexes have that host" if meant else "there is no such index"
    raise UsageError(
        f"sources: {name} is held to {redact(place)}, and {wrong}: there are {known}",
        "name the index by its URL",
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


class IndexOverrides(Struct, frozen=True, kw_only=True):
    """What the command line says of indexes; None and () mean that it says nothing.

    ``extra_index_urls``, ``find_links`` and ``trusted_hosts`` are added to
    the configured ones, as pip adds them.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool | None = None
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    keyring_provider: str | None = None
    proxy: str | None = None
    timeout: float | None = None
    refresh: bool = False
    no_cache: bool = False
    offline: bool = False


class _Value(Struct, frozen=True):
    """A configured text and where it is from, for the error about it.

    ``quoted`` is how that error names it: a variable is not quoted, since what
    somebody put there by mistake may be a password.
    """

    text: str
    origin: str
    quoted: str = "the value"


def load_settings(
    environ: Mapping[str, str], *, overrides: IndexOverrides | None = None
) -> IndexSettings:
    """Return the index settings that pip would install with.

    Raises:
        UsageError: a file cannot be read or parsed, or a value makes no sense.
    """
    return settings_from(config_files(environ), environ, overrides or IndexOverrides())


#: The constraints that envlock gives the pip of an environment: its own, and no choice of the user.
HELD = "envlock.constraints.txt"
#: What pip and uv are told of choosing packages, in variables and pip's files.
_OF_CHOICE = ("constraint", "no-binary", "only-binary")
_OF_UV = (
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_BUILD_CONSTRAINT",
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD",
    "UV_NO_BUILD_PACKAGE",
)


def choices_of_user(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the user tells pip and uv of choosing packages: where that is said → the value.

    Raises:
        UsageError: a file of pip's cannot be read or parsed.
    """
    values = {**_from_files(config_files(environ)), **_from_environment(environ)}
    told = [values[key] for key in _OF_CHOICE if key in values]
    found = {each.origin: each.text for each in told if not each.text.endswith(f"/{HELD}")}
    return found | {name: text for name in _OF_UV if (text := environ.get(name, "").strip())}


def config_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files pip would read, weakest first; they need not exist.

    ``PIP_CONFIG_FILE=/dev/null`` turns all of them off; another existing one
    takes the place of the user's. The environment is the active one
    (``VIRTUAL_ENV``, ``CONDA_PREFIX``), whose pip the user would have called.
    """
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return ()
    prefix = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX") or sys.prefix
    named = [] if not chosen else [Path(chosen)]
    users = [] if named and exists(named[0]) else _user_folders()
    folders = [*_machine_folders(), *users, Path(prefix)]
    return (*(folder / _FILE_NAME for folder in folders), *named)


def settings_from(
    files: Sequence[Path], environ: Mapping[str, str], overrides: IndexOverrides
) -> IndexSettings:
    """Return the settings of these files, variables and flags, later over earlier.

    Raises:
        UsageError: a file cannot be read or parsed, or a value makes no sense.
    """
    values = {**_from_files(files), **_from_environment(environ)}

    def one(key: str) -> str | None:
        return values[key].text if key in values else None

    def many(key: str) -> tuple[str, ...]:
        return tuple(values[key].text.split()) if key in values else ()

    cert = overrides.cert or one("cert") or _bundle(environ)
    client_cert = overrides.client_cert or one("client-cert")
    extra = (*many("extra-index-url"), *overrides.extra_index_urls)
    links = (*many("find-links"), *overrides.find_links)
    proxy = overrides.proxy or one("proxy")
    index_url = overrides.index_url or one("index-url")
    _learn(values, environ, *(each for each in (index_url, proxy, *extra, *links) if each))
    no_index = _flag(values.get("no-index")) if overrides.no_index is None else overrides.no_index
    # A machine on which pip reads no index, and has no other place: what is kept is left.
    unplaced = no_index and not links and not overrides.no_index
    settings = IndexSettings(
        index_url=_location(index_url or IndexSettings().index_url),
        extra_index_urls=tuple(dict.fromkeys(_location(url) for url in extra)),
        find_links=tuple(dict.fromkeys(_link(link) for link in links)),
        no_index=no_index and not unplaced,
        trusted_hosts=(*many("trusted-host"), *overrides.trusted_hosts),
        cert=None if cert is None else str(expand(cert)),
        client_cert=None if client_cert is None else str(expand(client_cert)),
        keyring_provider=overrides.keyring_provider or _keyring(values.get("keyring-provider")),
        proxy=proxy,
        timeout=overrides.timeout or _seconds(values.get("timeout")),
        refresh=overrides.refresh or _switch("ENVLOCK_REFRESH", environ),
        no_cache=overrides.no_cache or _switch("ENVLOCK_NO_CACHE", environ),
        offline=overrides.offline or _switch("UV_OFFLINE", environ) or unplaced,
    )
    _check(settings)
    return settings


def _check(settings: IndexSettings) -> None:
    """Refuse what no engine can make sense of, before any is asked."""
    for name, wanted in (("--refresh", settings.refresh), ("--no-cache", settings.no_cache)):
        if wanted and settings.offline:
            raise UsageError(
                f"{name} leaves aside what was kept, and offline there is nothing else",
                f"leave {name} out, or --offline (ENVLOCK_OFFLINE, UV_OFFLINE)",
            )
    if not settings.no_index:
        for url in (settings.index_url, *settings.extra_index_urls):
            check_index(url)
    for link in settings.find_links:
        check_address(link, "--find-links")
    for host in settings.trusted_hosts:
        trusted_host(host)
    for certificate in filter(None, (settings.cert, settings.client_cert)):
        _check_file(Path(certificate))


def _check_file(path: Path) -> None:
    """Refuse a pipe or a device, which whoever opened it would wait for or read without an end."""
    if exists(path) and not is_folder(path):
        try:
            contents(path)
        except Refused as error:
            raise error.of(path) from None
        except OSError:
            return  # who wants it tells why it cannot be read


def _bundle(environ: Mapping[str, str]) -> str | None:
    """The certificates that no one chose for packages: those of HTTP libraries, then OpenSSL's."""
    chosen = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    system = environ.get("SSL_CERT_FILE")
    return chosen or (system if system and Path(system).is_file() else None)


def _learn(values: Mapping[str, _Value], environ: Mapping[str, str], *urls: str) -> None:
    """Take note of what is secret in these URLs, in any setting, and in the system's proxies."""
    texts = [value.text for value in values.values()]  # a blank in one may be a slip of the finger
    configured = (*texts, *(word for text in texts for word in text.split()))
    proxies = (text for name, text in environ.items() if name.lower().endswith("_proxy"))
    for url in (*urls, *configured, *proxies):
        learn_url(url)


def _machine_folders() -> list[Path]:
    if sys.platform == "darwin":
        return [Path(platformdirs.site_data_dir("pip", appauthor=False))]
    folders = platformdirs.site_config_dir("pip", appauthor=False, multipath=True)
    found = [Path(folder) for folder in folders.split(os.pathsep)]
    return found if WINDOWS else [*found, Path("/etc")]


def _user_folders() -> list[Path]:
    legacy = home() / ("pip" if WINDOWS else ".pip")
    if sys.platform == "darwin":
        library = Path(platformdirs.user_data_dir("pip", appauthor=False))
        return [legacy, library if is_folder(library) else home() / ".config" / "pip"]
    return [legacy, Path(platformdirs.user_config_dir("pip", appauthor=False, roaming=True))]


def _from_files(files: Sequence[Path]) -> dict[str, _Value]:
    found: dict[str, dict[str, _Value]] = {section: {} for section in _SECTIONS}
    for file in files:
        if not is_file(file):
            continue
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(read_text(file), source=str(file))
        except configparser.Error as error:
            raise UsageError(
                f"{file}: not a pip configuration file: {redact(' '.join(str(error).split()))}",
                "pip config debug",
            ) from None
        for section in _SECTIONS:
            if parser.has_section(section):
                for name, text in parser.items(section):
                    origin = f"{file} [{section}] {name}"
                    found[section][_key(name)] = _Value(text.strip(), origin, repr(text.strip()))
    merged = {**found["global"], **found["install"]}
    return {key: value for key, value in merged.items() if value.text}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Value]:
    """Return the ``PIP_*`` variables; pip takes an empty one as not set."""
    return {
        _key(name.removeprefix("PIP_")): _Value(text.strip(), name)
        for name, text in environ.items()
        if name.startswith("PIP_") and text.strip()
    }


def _key(name: str) -> str:
    key = name.lower().replace("_", "-").removeprefix("--")
    return "timeout" if key == "default-timeout" else key


def _location(url: str) -> str:
    """Return the URL of an index, which pip also takes as the path of a folder."""
    if "://" not in url and not url.startswith("file:"):
        folder = expand(url)
        if is_folder(folder):
            return folder.resolve().as_uri()
    bare = url.rstrip("/")
    return url if bare.endswith(":") else bare


def _link(link: str) -> str:
    """Return a find-links entry; a path becomes a URL, which holds no blanks and no commas."""
    if "://" in link or link.startswith("file:"):
        return link
    return expand(link).absolute().as_uri()


def switched(text: str) -> bool | None:
    """Return what a text says that turns something on or off, as pip reads it; None for neither."""
    if text.lower() in _TRUE:
        return True
    return False if text.lower() in _FALSE else None


def _flag(value: _Value | None) -> bool:
    said = False if value is None else switched(value.text)
    if value is None or said is not None:
        return bool(said)
    raise UsageError(f"{value.origin}: {value.quoted} is neither true nor false")


def _switch(name: str, environ: Mapping[str, str]) -> bool:
    text = environ.get(name, "").strip()
    return _flag(_Value(text, name) if text else None)


def _keyring(value: _Value | None) -> str:
    if value is None:
        return IndexSettings().keyring_provider
    if value.text in _KEYRING_PROVIDERS:
        return value.text
    known = ", ".join(_KEYRING_PROVIDERS)
    raise UsageError(f"{value.origin}: {value.quoted} is not a keyring provider; pip knows {known}")


def _seconds(value: _Value | None) -> float:
    if value is None:
        return IndexSettings().timeout
    try:
        seconds = float(value.text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise UsageError(f"{value.origin}: {value.quoted} is not a number of seconds")
    return seconds
