"""How uv and pip are told where packages come from.

Through their environment, never their arguments: arguments stand in the
process list for everybody to read, and index URLs may hold credentials.
"""

from __future__ import annotations

import os
from pathlib import Path

from envlock.choices import IndexStrategy
from envlock.index.origin import indexes
from envlock.model import IndexSettings

#: Variables of the user that would change what an engine answers, or colour it: it is read here.
_FOREIGN = ("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "FORCE_COLOR", "CLICOLOR")

_UV_STRATEGIES = {
    IndexStrategy.FIRST: "first-index",
    IndexStrategy.BEST: "unsafe-best-match",
}
_HERE = "127.0.0.1"
#: What the address of an index begins with that envlock serves itself.
GATE = f"http://{_HERE}:"


def uv_program() -> Path:
    """The uv that came with envlock."""
    import uv  # noqa: PLC0415  (only needed when a program is run)

    return Path(uv.find_uv_bin())


def uv_options(settings: IndexSettings) -> list[str]:
    """What uv takes from its command line only."""
    return ["--no-index"] if settings.no_index else []


def uv_environment(settings: IndexSettings) -> dict[str, str]:
    """The environment for a uv that sees these indexes and no configuration of its own."""
    env = _clean()
    env["UV_NO_CONFIG"] = "1"
    env["UV_NO_PROGRESS"] = "1"
    env["UV_PYTHON_DOWNLOADS"] = "never"
    if "UV_CACHE_DIR" in os.environ:
        env["UV_CACHE_DIR"] = os.environ["UV_CACHE_DIR"]
    if asked := indexes(settings):
        env["UV_DEFAULT_INDEX"] = asked[-1]
        _put(env, "UV_INDEX", asked[:-1])
    if len(asked) > 1:
        env["UV_INDEX_STRATEGY"] = _UV_STRATEGIES[settings.index_strategy]
    _put(env, "UV_FIND_LINKS", settings.find_links, separator=",")
    _put(env, "UV_INSECURE_HOST", settings.trusted_hosts)
    if settings.keyring_provider in {"subprocess", "auto"}:
        env["UV_KEYRING_PROVIDER"] = "subprocess"
    if settings.cert is not None:
        env["SSL_CERT_FILE"] = settings.cert
    if settings.client_cert is not None:
        env["SSL_CLIENT_CERT"] = settings.client_cert
    if settings.proxy is not None:
        env.update(HTTP_PROXY=settings.proxy, HTTPS_PROXY=settings.proxy)
    _reach_this_machine(env, settings)
    env["UV_HTTP_TIMEOUT"] = str(max(1, round(settings.timeout)))
    return env


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
    _put(env, "PIP_TRUSTED_HOST", settings.trusted_hosts)
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
    env["PIP_DEFAULT_TIMEOUT"] = str(settings.timeout)
    return env


def _reach_this_machine(env: dict[str, str], settings: IndexSettings) -> None:
    """Let no proxy stand before an index of this machine, such as `envlock.index.gate`."""
    if settings.index_url.startswith(GATE):
        # pip's own proxy has no exceptions.
        if proxy := env.pop("PIP_PROXY", None):
            env.update(HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
        known = env.get("no_proxy") or env.get("NO_PROXY")
        env["no_proxy"] = env["NO_PROXY"] = f"{known},{_HERE}" if known else _HERE


def _clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}


def _put(env: dict[str, str], name: str, values: tuple[str, ...], separator: str = " ") -> None:
    if values:
        env[name] = separator.join(values)
