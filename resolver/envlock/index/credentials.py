"""Which credentials a request is given. Import it late: it brings an HTTP client with it."""

from __future__ import annotations

from collections.abc import Generator
from http import HTTPStatus

import httpx2
from unearth import auth

from envlock.index.netrc import netrc_fault
from envlock.index.secrets import learn


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
