"""How uv and pip are told where packages come from.

Through their environment, never their arguments: arguments stand in the
process list for everybody to read, and index URLs may hold credentials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import uv

from envlock.choices import IndexStrategy
from envlock.index.hosts import as_netloc, trusted_host
from envlock.index.local import is_missing
from envlock.index.netrc import netrc_fault
from envlock.index.offline import unrouted
from envlock.index.origin import indexes, public
from envlock.model import IndexSettings
from envlock.system import WINDOWS, folder_of_variable, replaced_cache

#: Variables of the user that would change what an engine answers, or colour it: it is read here.
_FOREIGN = (
    *("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "FORCE_COLOR", "CLICOLOR"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),  # pip puts them over what it is told
)
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")

_UV_STRATEGIES = {
    IndexStrategy.FIRST: "first-index",
    IndexStrategy.BEST: "unsafe-best-match",
}
_HERE = "127.0.0.1"
#: What the address of an index begins with that envlock serves itself.
GATE = f"http://{_HERE}:"


def uv_program() -> Path:
    """The uv that came with envlock."""
    return Path(uv.find_uv_bin())


def uv_options(settings: IndexSettings) -> list[str]:
    """What uv takes from its command line only."""
    options = ["--no-index"] if settings.no_index else []
    if settings.offline:
        return [*options, "--offline"]
    return [*options, "--refresh"] if settings.refresh else options


def untrusted_by_uv(settings: IndexSettings) -> tuple[str, ...]:
    """Return the trusted hosts that uv cannot be told of: it reads no IPv6 address there."""
    hosts = map(trusted_host, settings.trusted_hosts)
    return tuple(as_netloc(host, port) for host, port in hosts if ":" in host)


def socks_proxy(settings: IndexSettings) -> bool:
    """Tell whether pages are read through a SOCKS proxy, for which pip needs a package more."""
    said = (os.environ.get(n) or os.environ.get(n.lower()) or "" for n in PROXIES)
    proxies = (settings.proxy,) if settings.proxy else said
    return any(urlsplit(proxy).scheme.startswith("socks") for proxy in proxies)


def uv_environment(settings: IndexSettings) -> dict[str, str]:
    """The environment for a uv that sees these indexes and no configuration of its own."""
    env = _clean()
    env["UV_NO_CONFIG"] = "1"
    env["UV_NO_PROGRESS"] = "1"
    env["UV_PYTHON_DOWNLOADS"] = "never"
    if (cache := uv_cache()) != _usual_uv_cache() or "UV_CACHE_DIR" in os.environ:
        env["UV_CACHE_DIR"] = str(cache)
    if asked := indexes(settings):
        env["UV_DEFAULT_INDEX"] = asked[-1]
        _put(env, "UV_INDEX", asked[:-1])
    if len(asked) > 1:
        env["UV_INDEX_STRATEGY"] = _UV_STRATEGIES[settings.index_strategy]
    # uv ends over a place that is not there, which pip passes over.
    links = tuple(link for link in settings.find_links if not is_missing(link))
    _put(env, "UV_FIND_LINKS", links, separator=",")
    trusted = [(host, port) for host, port in map(trusted_host, settings.trusted_hosts)]
    _put(env, "UV_INSECURE_HOST", tuple(as_netloc(h, p) for h, p in trusted if ":" not in h))
    if settings.keyring_provider in {"subprocess", "auto"}:
        env["UV_KEYRING_PROVIDER"] = "subprocess"
    if settings.cert is not None:
        env.pop("SSL_CERT_FILE", None)
        env["SSL_CERT_DIR" if Path(settings.cert).is_dir() else "SSL_CERT_FILE"] = settings.cert
    if settings.client_cert is not None:
        env["SSL_CLIENT_CERT"] = settings.client_cert
    if settings.proxy is not None:
        env.update(HTTP_PROXY=settings.proxy, HTTPS_PROXY=settings.proxy)
    _reach_this_machine(env, settings)
    if unrouted():
        env["UV_HTTP_RETRIES"] = "0"
    if settings.no_cache:
        env["UV_NO_CACHE"] = "1"
    env["UV_HTTP_TIMEOUT"] = str(max(1, round(settings.timeout)))
    return env


def uv_words(settings: IndexSettings) -> Iterator[str]:
    """Yield the same places as options of a uv that somebody types, without credentials."""
    *extra, index = indexes(settings) or ("",)
    for url in extra:
        yield from ("--index", public(url))
    if index not in {"", IndexSettings().index_url}:
        yield from ("--default-index", public(index))
    for link in settings.find_links:
        yield from ("--find-links", public(link))
    if settings.no_index:
        yield "--no-index"


def uv_cache() -> Path:
    """Where uv keeps its cache for envlock: in its own place, where that can be used.

    Raises:
        WorkError: there is no place for another one either.
    """
    usual = _usual_uv_cache()
    return replaced_cache("uv", usual, "UV_CACHE_DIR") or usual


def _usual_uv_cache() -> Path:
    """Where uv keeps its cache when nobody tells it."""
    if (chosen := folder_of_variable("UV_CACHE_DIR")) is not None:
        return chosen
    if WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "uv" / "cache"
    above = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(above) if Path(above).is_absolute() else _home() / ".cache") / "uv"


def _home() -> Path:
    with suppress(RuntimeError):
        return Path.home()
    return Path("/nonexistent")  # nobody's home: what is below it cannot be made


def pip_environment(settings: IndexSettings) -> dict[str, str]:
    """The environment for a pip of any age that sees these indexes and no configuration file."""
    env = _clean()
    env["PIP_CONFIG_FILE"] = os.devnull
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    env["PIP_NO_INPUT"] = "1"
    env["PIP_NO_COLOR"] = "1"
    env["PYTHONUTF8"] = "1"
    if settings.no_index:
        env["PIP_NO_INDEX"] = "1"
    else:
        env["PIP_INDEX_URL"] = settings.index_url
        _put(env, "PIP_EXTRA_INDEX_URL", settings.extra_index_urls)
    _put(env, "PIP_FIND_LINKS", settings.find_links)
    hosts = tuple(as_netloc(*trusted_host(text)) for text in settings.trusted_hosts)
    _put(env, "PIP_TRUSTED_HOST", hosts)
    if settings.keyring_provider != "auto":
        env["PIP_KEYRING_PROVIDER"] = settings.keyring_provider
    for name, value in (
        ("PIP_CERT", settings.cert),
        ("PIP_CLIENT_CERT", settings.client_cert),
        ("PIP_PROXY", settings.proxy),
    ):
        if value is not None:
            env[name] = value
    _reach_this_machine(env, settings)
    if settings.no_cache:
        env["PIP_NO_CACHE_DIR"] = "1"
    env["PIP_DEFAULT_TIMEOUT"] = str(settings.timeout)
    return env


def _reach_this_machine(env: dict[str, str], settings: IndexSettings) -> None:
    """Let no proxy stand before an index of this machine, such as `envlock.index.gate`."""
    if any(url.startswith(GATE) for url in (settings.index_url, *settings.extra_index_urls)):
        # pip's own proxy has no exceptions.
        if proxy := env.pop("PIP_PROXY", None):
            env.update(HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
        known = env.get("no_proxy") or env.get("NO_PROXY")
        env["no_proxy"] = env["NO_PROXY"] = f"{known},{_HERE}" if known else _HERE


def _clean() -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    if netrc_fault():
        env["NETRC"] = os.devnull  # pip ends with a traceback over it
    return env


def _put(env: dict[str, str], name: str, values: tuple[str, ...], separator: str = " ") -> None:
    if values:
        env[name] = separator.join(values)
