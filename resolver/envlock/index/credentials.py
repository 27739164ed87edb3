"""Which credentials a request is given. Import it late: it brings an HTTP client with it.

A netrc file that cannot be read holds no credentials, as pip has it of one with
a word missing; but one that is not UTF-8 ends pip and the library that reads
it here.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cache
from http import HTTPStatus
from pathlib import Path

import httpx2
from unearth import auth

from envlock.index.secrets import learn
from envlock.system import Refused, contents
from envlock.system.looking import is_folder


def netrc_file() -> Path | None:
    """Return the file, if there is one."""
    chosen = os.environ.get("NETRC")
    if chosen:
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return next((f for f in (home / ".netrc", home / "_netrc") if f.exists()), None)


def netrc_fault() -> str:
    """Return why the file cannot be read; "" where it can, or there is none."""
    file = netrc_file()
    return "" if file is None else _fault(file)


@cache
def _fault(file: Path) -> str:
    try:
        contents(file).decode()
    except UnicodeDecodeError:
        return f"{file} cannot be read: it is not UTF-8 text"
    except Refused as error:  # who opened it would wait for ever, or read without an end
        return "" if is_folder(file) else f"{file} cannot be read: {error.strerror}"
    except (OSError, ValueError):
        return ""  # missing: nobody minds
    return ""


class Credentials(auth.MultiDomainBasicAuth):
    """Credentials for the host they were given for, and for none that it redirects to.

    unearth would answer the 401 of another host with the first one's from the
    keyring, and keep them for that host.
    """

    def _get_new_credentials(
        self, original_url: str, *, allow_netrc: bool = True, allow_keyring: bool = False
    ) -> tuple[str | None, str | None]:
        user, password = super()._get_new_credentials(
            original_url,
            allow_netrc=allow_netrc and not netrc_fault(),
            allow_keyring=allow_keyring,
        )
        learn(password)
        return user, password

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Give the request its credentials, and once more from the keyring where it is refused."""
        flow = super().auth_flow(request)
        sent = next(flow)
        response = yield sent
        while response.status_code != HTTPStatus.UNAUTHORIZED or _same(response.url, sent.url):
            try:
                sent = flow.send(response)
            except StopIteration:
                return
            response = yield sent


def _same(one: httpx2.URL, other: httpx2.URL) -> bool:
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)
