"""What stood in the credentials, the path or the query of a URL is in no output and no file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from envlock.cli import run
from envlock.errors import UsageError
from envlock.index import secrets
from envlock.index.cache import KeptPage, PageCache
from envlock.index.secrets import redact, strip_credentials
from envlock.index.settings import IndexOverrides, settings_from
from support.framework import build_framework
from support.pace import assert_quick
from support.pages import JSON_TYPE, entries, html_page, json_page, names
from support.program import Program, snapshot
from support.simple_index import SimpleIndex

SECRET = "Qx7pL2vR9zT4"  # noqa: S105  (it is one, of nothing)
BASIC = base64.b64encode(f"bob:{SECRET}".encode()).decode()


@dataclass
class Behind(SimpleIndex):
    """An index whose pages and files are all below a path with a token in it."""

    prefix: str = ""

    def content(self, path: str, accept: str) -> tuple[int, str, bytes]:
        path = path.removeprefix(self.prefix)
        name = path.removeprefix("/simple/").strip("/")
        if path.startswith("/files/") or name not in names(self.folder):
            return super().content(path, accept)
        files = entries(self.folder, name, f"{self.root}{self.prefix}/files/", self)
        if self.json and JSON_TYPE in accept:
            return 200, JSON_TYPE, json_page(name, files).encode()
        return 200, "text/html", html_page(files).encode()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    build_framework(folder)
    return folder


#: As people and services write it: scheme forgotten, Cloudsmith, conda, packagecloud, MyGet, …
FORMS = {
    "no-scheme": "bob:{s}@{host}/simple",
    "no-scheme-token": "{s}@{host}/simple",
    "password": "http://bob:{s}@{host}/simple",
    "token": "http://{s}@{host}/simple",
    "token-and-word": "http://{s}:x-oauth-basic@{host}/simple",
    "basic": "http://{host}/basic/{s}/simple",
    "t": "http://{host}/t/{s}/simple",
    "priv": "http://{host}/priv/{s}/simple",
    "auth": "http://{host}/F/feed/auth/{s}/simple",
    "signed": "http://{host}/ghp_{s}{s}/simple",
    "key": "http://{host}/simple?a=1&key={s}",
    "any-parameter": "http://{host}/simple?zzz={s}",
    "query": "http://{host}/simple?{s}",
}


def leaks(program: Program) -> list[str]:
    """Return the files of a folder and its cache with the secret in their name or content."""
    found = []
    for folder in (program.here, program.cache):
        for name, content in snapshot(folder).items():
            text = content.decode(errors="replace") if isinstance(content, bytes) else content
            if any(each in f"{name}\0{text}" for each in (SECRET, BASIC)):
                found.append(name)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_the_secret_of_an_index_is_printed_and_written_nowhere(
    form: str,
    program: Program,
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = FORMS[form].partition("{host}")[2].removesuffix("/simple")
    prefix = path.format(s=SECRET) if "{s}" in path and "?" not in path else ""
    for name, value in program.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(program.here)
    lock = ["lock", "tensorflow", "--engine", "uv", "-v"]
    formats = ["--format", "pylock", "--format", "requirements"]
    with Behind(folder=wheels, prefix=prefix) as index:
        url = FORMS[form].format(s=SECRET, host=index.root.removeprefix("http://"))
        code = run([*lock, *formats, "-i", url])
        assert (code == 0) == ("@" in url.partition("://")[2] or bool(prefix))
        if form in {"no-scheme", "basic", "key"}:
            monkeypatch.setenv("PIP_EXTRA_INDEX_URL" if prefix else "PIP_INDEX_URL", url)
            run(["lock", "no-such-thing==9", "--engine", "uv", "--json"])
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    assert BASIC not in said.out + said.err
    assert leaks(program) == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://dl.cloudsmith.io/abcd/org/repo/python/simple/", ["abcd"]),
        ("https://dl.cloudsmith.io/public/org/repo/python/simple/", []),
        ("https://pypi.fury.io/tokn/me/", ["tokn"]),
        ("https://packagecloud.io/priv/tokn/me/repo/pypi/simple", ["tokn"]),
        ("https://h/t/tokn/chan", ["tokn"]),
        ("https://h/F/feed/auth/6f1c9a3e-1b2c-4d5e-8f90-abcdef012345/python", ["6f1c9a3e"]),
        ("https://aws:tokn@d-1.d.codeartifact.us-east-1.amazonaws.com/pypi/r/simple/", ["tokn"]),
        ("https://tokn@pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/", ["tokn"]),
        ("https://__token__:tokn@gitlab.com/api/v4/projects/1/packages/pypi/simple", ["tokn"]),
        ("https://me:tokn@org.jfrog.io/artifactory/api/pypi/pypi-local/simple", ["tokn"]),
        ("https://h/simple?private_token=tokn&x=other", ["tokn", "other"]),
        ("bob:tokn@h/simple", ["tokn"]),
        ("bob:to/kn@h/simple", ["to/kn"]),
        ("tokn@h/simple", ["tokn"]),
        ("https://pypi.org/simple", []),
        ("https://download.pytorch.org/whl/cu118", []),
        ("https://h/artifactory/api/pypi/pypi-virtual-2024/simple", []),
        ("https://h/nexus3/repository/python-x86_64-py311/simple", []),
        ("127.0.0.1:9/basic/S3cr3tTok3n9/simple", ["S3cr3tTok3n9"]),
        ("file:///home/me/S3cr3tTok3n9/wheels", []),
        ("/tmp/S3cr3tTok3n9/t/abcd/wheels", []),  # noqa: S108  (no file is made)
        ("./S3cr3tTok3n9/wheels", []),
        ("https://[::1", []),
    ],
)
def test_what_is_secret_in_a_url_is_found_by_its_place_its_host_or_its_look(
    url: str, found: list[str]
) -> None:
    known = list(secrets.secrets_of(url))
    assert [each for each in found if not any(each in one for one in known)] == []
    assert bool(known) == bool(found)


@pytest.mark.parametrize(
    "form",
    [
        "{s}",
        "the index said {s}.",
        "error sending request for url (http://h/{q}/x)",
        "{q}",
        "{u}",
        "Authorization: Basic {b}",
        "{r}",
    ],
)
@pytest.mark.parametrize("plain", ["p@ss/w%rd:é", "p@ss", SECRET, "with space", "it's \\ so"])
def test_a_secret_that_is_known_is_removed_in_every_form(form: str, plain: str) -> None:
    secrets.learn_url(f"https://bob:{quote(plain, safe='')}@h/simple")
    text = form.format(
        s=plain,
        q=quote(plain, safe=""),
        u=quote(plain),
        b=base64.b64encode(f"bob:{plain}".encode()).decode(),
        r=repr(plain)[1:-1],
    )
    assert redact(text) == form.replace("Basic {b}", "Basic ****").format(
        s="****", q="****", u="****", r="****"
    )


def test_short_texts_and_placeholders_are_not_removed_from_all_words() -> None:
    secrets.learn_url("https://u:abc@h/simple?x=1")
    secrets.learn("$TOKEN")
    secrets.learn("****")
    assert redact("abc 1 $TOKEN ****") == "abc 1 $TOKEN ****"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bob:pw@127.0.0.1:9/simple", "****@127.0.0.1:9/simple"),
        ("https:/bob:pw@h/x.txt", "https:/****@h/x.txt"),
        ("http://h/basic/TOKEN/simple/demo/", "http://h/basic/****/simple/demo/"),
        ("https://dl.cloudsmith.io/abc/org/simple/", "https://dl.cloudsmith.io/****/org/simple/"),
        ("https://h/simple?x=1&key=abc", "https://h/simple?x=1&key=****"),
        ("https://h/chan/t/S3cr3tTok3n9", "https://h/chan/t/****"),
        ("git@github.com:a/b", "git@github.com:a/b"),
        ("mailto:me@h.example", "mailto:me@h.example"),
        ("numpy@1.0 at 10:30", "numpy@1.0 at 10:30"),
    ],
)
def test_places_are_known_without_settings(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "word", ["keras", "numpy", "tensorflow", "h5py", "2.15.1", "python3.11", "typing-extensions"]
)
def test_a_password_that_is_a_word_takes_that_word_from_no_output(word: str) -> None:
    """It is hidden where only credentials stand, and nowhere else."""
    secrets.learn_url(f"https://me:{word}@h.example/simple?zzz={word}")
    text = f"{word} 1.0: {word}==2, 'https://h/simple/{word}/', --x={word}, {word}-1.0.whl"
    assert (redact(text), strip_credentials(f"https://h/{word}/x")) == (text, f"https://h/{word}/x")
    hidden = (
        f"http://me:{word}@h/x",
        f"me:{word}@h.example",
        f"{word}@h.example/simple",
        f"h/simple?zzz={word}",
        f"h/simple?a=1&b={word}&c",
        f"url=http%3A%2F%2F{word}%40h",
        base64.b64encode(f"me:{word}".encode()).decode(),
        f"('me:{word}')",
    )
    assert [each for each in hidden if word in redact(each)] == []


@pytest.mark.parametrize("word", ["S3cr3t", "hunter2", "p@ss", "QxzpLmvRwz", "a1b2c3d4"])
def test_a_password_that_is_no_word_is_removed_wherever_it_stands(word: str) -> None:
    secrets.learn_url(f"https://me:{quote(word, safe='')}@h.example/simple")
    assert redact(f"it said {word}, '{word}' and {word}") == "it said ****, '****' and ****"
    assert redact(f"x{word[:4]}y") == f"x{word[:4]}y"


def test_a_short_password_is_removed_as_a_whole_and_from_no_other_word() -> None:
    secrets.learn_url("https://me:a1b2@h.example/simple")
    assert redact("a1b2 xa1b2 a1b2c") == "**** xa1b2 a1b2c"


LOOKS = "repo2024x86Prod9"


def test_a_folder_that_looks_like_a_token_stays_in_locks_and_commands(
    program: Program,
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The lock can be installed from, its command typed; a message does not take the risk."""
    for name, value in program.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(program.here)
    with Behind(folder=wheels, prefix=f"/{LOOKS}") as index:
        url = f"{index.root}/{LOOKS}/simple"
        words = ["tensorflow", "--engine", "uv", "--format", "pylock", "--format", "requirements"]
        assert run(["lock", *words, "-i", url]) == 0
        assert f"--index-url {url}" in (program.here / "requirements.txt").read_text()
        assert f'url = "{index.root}/{LOOKS}/files/' in (program.here / "pylock.toml").read_text()
        capfd.readouterr()
        assert run(["lock", *words, "-i", url, "--check"]) == 0
        assert run(["lock", "no-such-thing", "--engine", "uv", "-i", url]) == 3
        assert run(["lock", *words, "-i", f"{url}x", "--fresh", "-U"]) != 0
        for line in capfd.readouterr().err.splitlines():
            assert (LOOKS in line) == line.startswith("  try: envlock"), line


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/{LOOKS}/simple/a.whl", True),
        ("/packages/source/t/tensorflow/tensorflow-2.15.1.tar.gz", True),
        ("/packages/t/Theano/theano-1.0.whl", True),
        ("/basic/owner/repo/python/simple/a.whl", True),
        ("/packages/ab/cd/0123456789abcdef0123456789abcdef0123456789abcdef01234567/a.whl", True),
        ("/t/tk-1234/chan/linux-64/a.conda", False),
        ("/t/team/chan/a.conda", False),
        ("/basic/S3cr3tTok3n9/simple/a.whl", False),
        ("/priv/word/simple/a.whl", False),
        (f"/x/glpat-{SECRET}{SECRET}/a.whl", False),
    ],
)
def test_an_address_is_kept_but_for_what_is_a_token_beyond_doubt(path: str, *, kept: bool) -> None:
    assert (strip_credentials(f"https://h.example{path}") == f"https://h.example{path}") == kept
    assert "****" not in strip_credentials(f"https://h.example{path}") or not kept


def test_a_kept_address_has_no_token_in_its_path() -> None:
    secrets.learn_url(f"https://h/priv/{SECRET}/simple")
    for path in (f"{SECRET}/files", f"x/{SECRET}/files", f"auth/{SECRET[::-1]}/x"):
        shown = path.replace(SECRET, "****").replace(SECRET[::-1], "****")
        assert strip_credentials(f"https://u:p@h/{path}/a.whl") == f"https://h/{shown}/a.whl"


@pytest.mark.parametrize("name", ["TIMEOUT", "DEFAULT_TIMEOUT", "NO_INDEX", "KEYRING_PROVIDER"])
def test_a_variable_that_makes_no_sense_is_named_and_not_quoted(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from((), {f"PIP_{name}": SECRET}, IndexOverrides())
    assert caught.value.message.startswith(f"PIP_{name}: the value is ")
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_TRUSTED_HOST", "http://bob:{s}@[::1"),
        ("ENVLOCK_PYTHON", "bob:{s}@h"),
        ("ENVLOCK_PYTHON", "x://bob:{s}@h:99999/x"),
        ("ENVLOCK_RULES", "https://bob:{s}@h/x"),
        ("ENVLOCK_SOURCES", "demo=bob:{s}@h"),
        ("ENVLOCK_SOLVE_TIMEOUT", "{s}"),
        ("ENVLOCK_REFRESH", "{s}"),
        ("ENVLOCK_NO_CACHE", "{s}"),
        ("--python", "bob:{s}@h"),
        ("--cert", "https://bob:{s}@h/x.pem"),
        ("--trusted-host", "bob:{s}@[::1"),
        ("--rules", "https://bob:{s}@h/x"),
        ("--exclude-newer", "https://bob:{s}@h/x"),
        ("--platform", "bob:{s}@h"),
        ("--needs", "https://bob:{s}@h"),
        ("--channel", "h.example:1/t/{s}/chan"),
        ("--channel", "h.example/t/{s}/chan$"),
    ],
)
def test_credentials_in_a_wrong_place_are_printed_nowhere(
    name: str,
    value: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = value.format(s=SECRET)
    for each, text in program.with_env(PIP_INDEX_URL="http://127.0.0.1:1/s").environment().items():
        monkeypatch.setenv(each, text)
    monkeypatch.chdir(program.here)
    if not name.startswith("-"):
        monkeypatch.setenv(name, given)
    assert run(["lock", "demo", "--engine", "uv", *([name, given] if name[0] == "-" else [])]) != 0
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    assert leaks(program) == []


@pytest.mark.parametrize("word", ["/basic/{s}/chan", "/t/{s}/chan", "/{s}/chan", "/chan?key={s}"])
def test_a_token_of_a_channel_is_in_no_file_and_no_message(word: str, program: Program) -> None:
    pytest.importorskip("rattler")
    channel = f"http://127.0.0.1:1{word.format(s=SECRET)}"
    (program.here / "environment.yml").write_text("dependencies: [python]\n")
    done = program(
        "lock", "-r", "environment.yml", "--channel", channel, "--platform", "linux-64", "--json"
    )
    assert done.code == 4
    assert SECRET not in done.out + done.err
    assert leaks(program) == []


#: A slip of the finger in an address; what is meant is clear to whoever reads it on a screen.
SLIPS = [
    "//bob:{s}@127.0.0.1:9/simple",
    "//{s}@h/simple",
    "http//bob:{s}@127.0.0.1:9/simple",
    "http:bob:{s}@127.0.0.1:9/simple",
    "http:///bob:{s}@127.0.0.1:9/simple",
    "http:\\\\bob:{s}@h/simple",
    "https:/bob:{s}@h",
    "file://bob:{s}@h/x",
    "file:bob:{s}@h/x",
    "file:///bob:{s}@h/x",
    "http://bob:{s} @127.0.0.1:9/simple",
    "http://bob: {s}@127.0.0.1:9/simple",
    "http://bo b:{s}@h/simple",
    "http://bob:{s}\t@h/simple",
    "http://bob:{s}@@h/x",
    "http://127.0.0.1:9/simple#{s}",
    "http://h/simple#token={s}",
    "http://h/simple;token={s}",
    "http://h;{s}/simple",
    "https://x.jfrog.io/{s}@/simple",
    "https://x.jfrog.io:443/bob:{s}@/simple",
    "http://[bob:{s}@::1/x",
]


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize(
    "name",
    ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY", "PIP_TRUSTED_HOST"],
)
def test_a_secret_in_a_slip_of_an_address_is_known_and_printed_nowhere(
    name: str, slip: str
) -> None:
    given = slip.format(s=SECRET)
    said = f"a program said {given} and //bob:{SECRET}@h/x and {SECRET}"
    try:
        settings = settings_from((), {name: given}, IndexOverrides())
    except UsageError as error:
        said += f"{error.message} {error.remedies}"
    else:
        said += f"{settings.index_url} {settings.extra_index_urls} {settings.find_links}"
        said = redact(said) + redact(said, certain=True)
    assert SECRET not in redact(said)
    assert SECRET not in said or "cannot be read" in said


@pytest.mark.parametrize("slip", [each for each in SLIPS if " " not in each and "\t" not in each])
def test_a_slip_on_the_command_line_is_printed_nowhere(
    slip: str, program: Program, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, text in program.environment().items():
        monkeypatch.setenv(each, text)
    monkeypatch.chdir(program.here)
    assert run(["lock", "demo", "--engine", "uv", "-i", slip.format(s=SECRET), "-v"]) != 0
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize(
    "url",
    [
        "https://h/@scope/simple",
        "file:///home/john@corp/wheels",
        "/home/john@corp/wheels",
        "https://h/x/demo-1.0-py3-none-any.whl#sha256=0123456789abcdef",
    ],
)
def test_an_at_sign_in_a_path_and_a_hash_are_no_secrets(url: str) -> None:
    secrets.learn_url(url)
    assert strip_credentials(url) == url
    assert redact(url, certain=True) == url


def test_two_indexes_on_one_host_are_two_pages_in_the_cache(tmp_path: Path) -> None:
    page = KeptPage(lines={}, etag=None, fresh_until=0.0)
    urls = [f"https://h/t/{token}/simple/demo/" for token in (SECRET, SECRET[::-1])]
    for url in urls:
        secrets.learn_url(url)
    PageCache(tmp_path).store(dict.fromkeys(urls, page))
    contents = [file.read_text() for file in tmp_path.iterdir()]
    assert len(contents) == 2
    assert not any(SECRET in each or SECRET[::-1] in each for each in contents)


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "-", "a:", "a://b:", "http://", "https:/a", "http://h/", "a%3a%2f%2f", "?token"),
        *("&", "x@", "a:b@", "/t/", "http://h/t/", "/", "?key=", "-a:", "://", "@", "a.b:1/"),
    ],
)
def test_a_long_text_is_redacted_in_linear_time(unit: str) -> None:
    secrets.learn_url(f"https://bob:{SECRET}@h/simple")
    text = f"{unit * (40_000 // len(unit))} x@y %40"
    assert_quick(0.7, lambda: redact(text))
