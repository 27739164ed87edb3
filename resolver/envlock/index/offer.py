"""One index for a program that is to confirm a set of pins, with all that it has to read.

Of a package that is pinned it lists that release alone. Where the metadata are
known of the file that an installer takes, it is a wheel that has these and
nothing else (`envlock.index.stubs`): some pips read all of each wheel that they
pin, though they were given its metadata (PEP 658), and each builds a source
archive. Every other package has the page that it has by the settings. So
nothing is waited for, and what the program finds is what the metadata say.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.errors import EnvlockError
from envlock.index.filenames import WHEEL_SUFFIX, admitted, project_of
from envlock.index.gate import HTML, NOT_KEPT, Answer, anchors, credited, link_to, served
from envlock.index.handover import GATE
from envlock.index.pages import Index
from envlock.index.stubs import stub_wheel
from envlock.model import DistributionFile, IndexSettings

_PAGES, _FILES = "simple", "files"
_ANY = "py2.py3-none-any"


class Offered(Struct, frozen=True, kw_only=True):
    """A release, the file of it that is taken, and the metadata of the file, if they are known."""

    version: Version
    file: DistributionFile
    metadata: bytes | None


@contextmanager
def offering(
    index: Index,
    settings: IndexSettings,
    pins: Mapping[NormalizedName, Offered],
    exclude_newer: datetime | None,
) -> Iterator[IndexSettings]:
    """Give the settings of a program that sees such an index, and nothing else, during a block.

    A page that cannot be read is not there for it.
    """
    offer = _Offer(index, pins, exclude_newer)
    with served(offer) as port:
        offer.root = f"{GATE}{port}/{offer.digest}"
        yield replace(
            settings,
            index_url=f"{offer.root}/{_PAGES}",
            extra_index_urls=(),
            find_links=(),
            index_strategy=IndexStrategy.BEST,
            no_index=False,
            sources=(),
        )


class _Offer:
    """What is served."""

    def __init__(
        self,
        index: Index,
        pins: Mapping[NormalizedName, Offered],
        exclude_newer: datetime | None,
    ) -> None:
        self.digest = secrets.token_hex(32)
        self.root = ""
        self._index = index
        self._one_at_a_time = threading.Lock()  # an `Index` is no matter of threads
        self._pins = pins
        self._exclude_newer = exclude_newer
        self._stubs = {_stub_name(each): each for each in pins.values() if each.metadata}

    def answer(self, path: str, accept: str) -> Answer:
        """Return a page, or a wheel that is offered."""
        del accept
        digest, _, rest = path.strip("/").partition("/")
        kind, _, name = rest.partition("/")
        if digest != self.digest:
            return None
        if kind == _FILES:
            pin = self._stubs.get(name)
            return None if pin is None else ("application/zip", NOT_KEPT, _stub(pin))
        try:
            with self._one_at_a_time:
                links = tuple(self._links(canonicalize_name(name)))
        except EnvlockError:
            return None
        return (HTML, NOT_KEPT, anchors(links)) if links else None

    def _links(self, name: NormalizedName) -> Iterator[dict[str, str | None]]:
        pin = self._pins.get(name)
        if pin is not None and pin.metadata:
            name_there = _stub_name(pin)
            bare = replace(pin.file, hashes={})
            yield link_to(bare, f"{self.root}/{_FILES}/{name_there}")
            return
        for place in self._index.places(name, None if pin is None else pin.version):
            for file in admitted(place.files, self._exclude_newer):
                yield link_to(file, credited(file.url, place.url))


def _stub_name(pin: Offered) -> str:
    """The name of a wheel, or for a source archive of one that every target takes."""
    name = pin.file.filename
    if name.endswith(WHEEL_SUFFIX):
        return name
    return f"{_folder(pin)}-{_ANY}{WHEEL_SUFFIX}"


def _stub(pin: Offered) -> bytes:
    tag = "-".join(_stub_name(pin).removesuffix(WHEEL_SUFFIX).split("-")[-3:])
    return stub_wheel(_folder(pin), pin.metadata or b"", tag)


def _folder(pin: Offered) -> str:
    name = project_of(pin.file.filename) or ""
    return f"{name.replace('-', '_')}-{pin.version}"
