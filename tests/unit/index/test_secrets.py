import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.index.secrets import redact, strip_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/simple", "https://****@host/simple"),
        ("https://token@host/simple", "https://****@host/simple"),
        ("https://u%40corp:p%2Fw@host:8443/simple", "https://****@host:8443/simple"),
        ("https://user:p@ss@host/simple", "https://****@host/simple"),
        ("https://user:pa/ss@host/simple", "https://****@host/simple"),
        ("https://user:@host", "https://****@host"),
        ("HTTPS://User:Pass@Host", "HTTPS://****@Host"),
        ("git+ssh://git@github.com/a/b@v1", "git+ssh://****@github.com/a/b@v1"),
        ("http://u:p@proxy:3128 http://v:q@other", "http://****@proxy:3128 http://****@other"),
        ("-i 'https://u:p@host/',", "-i 'https://****@host/',"),
        (
            "next=https%3A%2F%2Fu%3Ap%40host%2Fsimple&x=1",
            "next=https%3A%2F%2F****%40host%2Fsimple&x=1",
        ),
        ("https%3a%2f%2ftoken%40host", "https%3a%2f%2f****%40host"),
        ("https://host/a.whl?token=abc&x=1", "https://host/a.whl?token=****&x=1"),
        ("https://host/a?x=1&access_token=abc#f", "https://host/a?x=1&access_token=****#f"),
        (
            "https://s3/a?X-Amz-Credential=k&X-Amz-Date=d&X-Amz-Signature=s",
            "https://s3/a?X-Amz-Credential=****&X-Amz-Date=d&X-Amz-Signature=****",
        ),
        ("https://host/t/tk-12ab/main/", "https://host/t/****/main/"),
        ("see https://u:p@host/get/t/tk/x.", "see https://****@host/get/t/****/x."),
        ("https://blob/a?sv=2024&sig=abc%3D", "https://blob/a?sv=2024&sig=****"),
    ],
)
def test_no_secret_of_a_url_is_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://pypi.org/simple",
        "https://host:8443/simple/@scope/demo",
        "https://host/repo@v1.0",
        "demo @ file:///opt/wheels/demo-1.0-py3-none-any.whl",
        "write to someone@example.org",
        "git+https://github.com/a/b@main",
        "https://host/a?page=2&tokens=3",
        "https://host/t/${CONDA_TOKEN}/main",
        "https://host/t/x",
        "put it under /t/x/",
    ],
)
def test_a_text_without_secrets_is_left_alone(text: str) -> None:
    assert redact(text) == text


secrets = st.text(
    st.characters(codec="ascii", categories=("L", "N"), include_characters="-._~!$&()*+,;=:@%"),
    min_size=1,
).map(lambda text: f"SECRET{text}SECRET")


@given(before=st.text(), secret=secrets, after=st.text())
def test_a_secret_before_the_host_never_survives(before: str, secret: str, after: str) -> None:
    shown = redact(f"{before} https://{secret}@host/simple {after}")
    assert secret not in shown
    assert "@host/simple" in shown


@given(text=st.text() | secrets.map(lambda secret: f"see https://{secret}@host?token={secret}"))
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:pass@host:8443/a?x=1#sha256=0", "https://host:8443/a?x=1#sha256=0"),
        ("https://token@host/a", "https://host/a"),
        ("https://host/a?X-Amz-Signature=s&x=1", "https://host/a?x=1"),
        ("https://host/a@1.0/b", "https://host/a@1.0/b"),
        ("file:///opt/wheels/a.whl", "file:///opt/wheels/a.whl"),
    ],
)
def test_a_url_that_is_kept_has_no_credentials(url: str, kept: str) -> None:
    assert strip_credentials(url) == kept


@pytest.mark.parametrize("before", ["TOKEN_", "2", "x", "é"])
def test_a_url_right_behind_other_characters_is_redacted_too(before: str) -> None:
    text = redact(f"{before}https://user:secret@host/simple")
    assert "secret" not in text
    assert text.endswith("@host/simple")
