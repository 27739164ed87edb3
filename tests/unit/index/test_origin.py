"""Which index is asked for what, and in which order."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.errors import UsageError
from envlock.index.handover import pip_environment, uv_environment
from envlock.index.origin import asked, asked_for, has_several, held_to, indexes, links_for, public
from envlock.index.settings import closest_first, placed, read_source
from envlock.model import IndexSettings, LockedPackage

PYPI = "https://pypi.org/simple"
OWN = "https://me:hunter2@own.example/simple"
MORE = "https://more.example/simple"


def settings(url: str = PYPI, *extra: str, **more: object) -> IndexSettings:
    return IndexSettings(index_url=url, extra_index_urls=extra, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (settings(), [PYPI]),
        (settings(PYPI, OWN, MORE), [OWN, MORE, PYPI]),
        (settings(OWN, MORE), [MORE, OWN]),
        (settings(OWN, PYPI, MORE), [MORE, OWN, PYPI]),
        (
            settings(OWN, "https://test.pypi.org/simple", PYPI),
            [OWN, "https://test.pypi.org/simple", PYPI],
        ),
        (settings(OWN, OWN.replace("me:hunter2@", "")), [OWN.replace("me:hunter2@", "")]),
        (settings("https://[::1", MORE), [MORE, "https://[::1"]),
        (settings(PYPI, OWN, no_index=True), []),
    ],
)
def test_extra_indexes_go_first_and_those_open_to_all_last(
    given: IndexSettings, order: list[str]
) -> None:
    assert list(indexes(given)) == order
    assert has_several(given) is (len(order) > 1)


def test_a_source_is_the_only_place_that_is_asked() -> None:
    links = ("file:///wheels",)
    held = settings(
        PYPI, MORE, find_links=links, sources=(("acme", OWN), ("ac*", links[0]), ("b?", MORE))
    )
    assert (asked_for(held, "acme"), links_for(held, "acme")) == ((OWN,), ())
    assert (asked_for(held, "acme-core"), links_for(held, "acme-core")) == ((), links)
    assert (asked_for(held, "b1"), links_for(held, "b1")) == ((MORE,), ())
    assert (asked_for(held, "other"), links_for(held, "other")) == ((MORE, PYPI), links)
    assert asked(held) == (MORE, PYPI, public(OWN), links[0])


@pytest.mark.parametrize(
    ("strategy", "told"),
    [(IndexStrategy.FIRST, "first-index"), (IndexStrategy.BEST, "unsafe-best-match")],
)
def test_uv_is_told_the_order_and_the_strategy(strategy: IndexStrategy, told: str) -> None:
    env = uv_environment(settings(OWN, PYPI, MORE, index_strategy=strategy))
    assert env["UV_INDEX"] == f"{MORE} {OWN}"
    assert env["UV_DEFAULT_INDEX"] == PYPI
    assert env["UV_INDEX_STRATEGY"] == told


def test_no_proxy_stands_before_an_index_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "intern.example")
    here = settings("http://127.0.0.1:20000/x/0", proxy="http://proxy.example")
    for env in (pip_environment(here), uv_environment(here)):
        assert env["NO_PROXY"] == env["no_proxy"] == "intern.example,127.0.0.1"
        assert env["HTTPS_PROXY"] == "http://proxy.example"
        assert "PIP_PROXY" not in env
    assert pip_environment(settings(proxy="http://p"))["PIP_PROXY"] == "http://p"


def test_a_place_of_a_source_is_found_among_what_is_configured() -> None:
    configured = settings(PYPI, OWN)
    sources = (
        ("a", "https://own.example/simple/"),
        ("b", "own.example"),
        ("c", "pypi.org"),
        ("d", "https://else.example/simple/"),
    )
    assert [url for _, url in placed(sources, configured)] == [
        OWN,
        OWN,
        PYPI,
        "https://else.example/simple",
    ]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("own", "there is no such index: there are https://own.example/simple and"),
        ("own.example", "2 indexes have that host: there are https://own.example/simple and"),
    ],
)
def test_a_place_that_is_none_is_told(place: str, why: str) -> None:
    two = settings(PYPI, OWN, *(["https://own.example/more"] if "." in place else []))
    with pytest.raises(UsageError) as caught:
        placed((("acme", place),), two)
    assert caught.value.message.startswith(f"sources: acme is held to {place}, and {why}")
    assert "hunter2" not in caught.value.message


def test_a_source_is_a_name_or_a_pattern_and_a_place() -> None:
    assert read_source("Acme_*=https://x/?a=b") == ("acme-*", "https://x/?a=b")
    for wrong in ("acme", "acme=", "=x", "a b=x", "acme[x]=y", "-acme=x"):
        with pytest.raises(UsageError, match="is not NAME=INDEX"):
            read_source(wrong)


def test_names_count_before_patterns_and_longer_patterns_before_shorter() -> None:
    sources = (("*", "1"), ("acme-*", "2"), ("acme", "3"), ("acme-core", "4"))
    assert [place for _, place in closest_first(sources)] == ["4", "3", "2", "1"]


def test_pins_are_held_to_the_index_they_were_locked_from_if_it_is_asked() -> None:
    def pin(name: str, index: str) -> LockedPackage:
        return LockedPackage(name=canonicalize_name(name), version=Version("1"), index=index)

    pins = [pin("a", public(OWN)), pin("b", "https://stranger.example/simple"), pin("c", "")]
    assert held_to(settings(PYPI, OWN), pins).sources == (("a", OWN),)
