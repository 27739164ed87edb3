"""Words for channels become addresses; credentials stay in those."""

from pathlib import Path

import pytest

from envlock.conda.channels import (
    addresses,
    hide,
    public,
    with_credentials,
    without_credentials,
)
from envlock.errors import UsageError
from envlock.model import CondaPackage


def package(url: str, channel: str) -> CondaPackage:
    return CondaPackage(
        name="a", version="1", build="0", build_number=0, subdir="noarch", channel=channel, url=url
    )


@pytest.mark.parametrize(
    ("word", "urls"),
    [
        ("conda-forge", ["https://conda.anaconda.org/conda-forge/"]),
        ("pytorch/label/test", ["https://conda.anaconda.org/pytorch/label/test/"]),
        (
            "defaults",
            ["https://repo.anaconda.com/pkgs/main/", "https://repo.anaconda.com/pkgs/r/"],
        ),
        ("https://host/chan/", ["https://host/chan/"]),
        ("file:///srv/chan", ["file:///srv/chan/"]),
        ("/srv/chan", ["file:///srv/chan/"]),
    ],
)
def test_a_word_stands_for_channels(word: str, urls: list[str]) -> None:
    assert [each.url for each in addresses([word], {})] == urls


def test_defaults_have_one_channel_more_on_windows() -> None:
    found = addresses(["defaults"], {}, subdir="win-64")
    assert found[-1].url == "https://repo.anaconda.com/pkgs/msys2/"


def test_a_path_is_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert addresses(["./chan"], {})[0].url == f"{tmp_path.as_uri()}/chan/"


def test_the_alias_of_conda_is_honoured() -> None:
    found = addresses(["conda-forge"], {"CONDA_CHANNEL_ALIAS": "https://mirror.example/conda/"})
    assert found[0].url == "https://mirror.example/conda/conda-forge/"


def test_a_channel_is_taken_once_and_the_order_is_kept() -> None:
    found = addresses(["b", "a", "b"], {})
    assert [each.public.rstrip("/").rpartition("/")[2] for each in found] == ["b", "a"]


def test_variables_give_credentials_that_the_public_address_lacks() -> None:
    environ = {"NAME": "me", "KEY": "s3cret"}
    (user,) = addresses(["https://${NAME}:$KEY@host/chan"], environ)
    assert (user.url, user.public) == ("https://me:s3cret@host/chan/", "https://host/chan/")
    (token,) = addresses(["https://host/t/${KEY}/chan"], environ)
    assert (token.url, token.public) == ("https://host/t/s3cret/chan/", "https://host/chan/")


def test_a_variable_that_is_not_set_is_told_without_the_rest() -> None:
    with pytest.raises(UsageError) as caught:
        addresses(["https://me:pass@host/t/${KEY}/chan"], {})
    assert caught.value.message == (
        "the channel https://****@host/t/${KEY}/chan needs the variable KEY, which is not set"
    )
    assert caught.value.remedies == ("export KEY=…",)


def test_netrc_is_asked_for_hosts_without_credentials_only() -> None:
    asked: list[str] = []

    def netrc(host: str) -> tuple[str, str]:
        asked.append(host)
        return "me", "p@ss/word"

    words = ["https://one.example/chan", "https://u:p@two.example/chan", "file:///srv/chan"]
    found = addresses(words, {}, netrc=netrc)
    assert asked == ["one.example"]
    assert found[0].url == "https://me:p%40ss%2Fword@one.example/chan/"
    assert found[0].public == "https://one.example/chan/"


def test_what_is_no_channel_is_refused() -> None:
    with pytest.raises(UsageError, match="'two words' is not a channel"):
        addresses(["two words"], {})


def test_packages_lose_their_credentials_and_get_them_back() -> None:
    (channel,) = addresses(["https://me:key@host/t/TOKEN/chan"], {})
    secret = package(f"{channel.url}noarch/a-1-0.conda", channel.url)
    plain = without_credentials(secret, [channel])
    assert plain.url == "https://host/chan/noarch/a-1-0.conda"
    assert plain.channel == "https://host/chan/"
    assert with_credentials(plain, [channel]) == secret


def test_text_is_shown_without_tokens() -> None:
    assert hide("cannot read https://u:p@h/t/abc-123/chan/noarch") == (
        "cannot read https://****@h/t/****/chan/noarch"
    )
    assert public("https://h/t/abc-123/chan") == "https://h/chan"
