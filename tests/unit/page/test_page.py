"""The page and the picture as text: whole, small, safe, and the same for the same evidence."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.commands.matrix.evidence import levels
from envlock.evidence.values import CellEvidence
from envlock.outcomes import Failed
from envlock.page.board import boards, summary
from envlock.page.html import create_command, page
from envlock.page.picture import picture
from envlock.rules import database
from support.evidence import CELL, EVIDENCE, RULES_SET, package, proved
from support.rules import rule
from support.whole_matrix import whole_matrix

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u2028 {{data}} &amp;"


@cache
def whole() -> str:
    return page(whole_matrix(), (), database.load().rules, levels())


def data_of(text: str) -> dict[str, Any]:
    (block,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL
    )
    document: dict[str, Any] = json.loads(block)
    return document


class Outline(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class Texts(HTMLParser):
    """The texts of a picture, each with the class of the element that it stands in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._kind = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self._kind = dict(attrs).get("class") or ""

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append((self._kind, data))


def test_the_whole_matrix_takes_far_less_than_two_megabytes() -> None:
    assert sum(len(each.sets) for each in whole_matrix()) > 400
    assert len(whole().encode()) < 500_000


def test_the_same_evidence_gives_the_same_bytes() -> None:
    assert page(whole_matrix(), (), database.load().rules, levels()) == whole()


def test_nothing_is_fetched_and_no_attribute_holds_script_or_style() -> None:
    for tag, attributes in Outline(whole()).tags:
        assert tag not in {"link", "img", "iframe", "object", "form", "base", "a"}
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    addresses = set(re.findall(r"https?://[^\"'<\s]+", whole().partition('id="data"')[0]))
    assert addresses == set()


def test_the_policy_lets_in_the_style_and_the_script_of_the_page_alone() -> None:
    policy = next(
        str(attributes["content"])
        for tag, attributes in Outline(whole()).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = re.findall(r"<style>(.*?)</style>", whole(), re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", whole(), re.DOTALL)
    digests = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        for each in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_what_evidence_and_rules_say_is_text_and_never_html() -> None:
    bad = proved(
        "plain",
        package("tensorflow-cpu", "2.10.1"),
        outcomes=(Failed(level="import", error=HOSTILE, detail=HOSTILE),),
    )
    odd = rule("odd", when={"tensorflow": ""}, refuse={"tensorflow": ""}, because=HOSTILE)
    own = replace(RULES_SET, request=(HOSTILE,), name="rules")
    cell = replace(CELL, platform="linux-<b>")
    text = page((CellEvidence(cell=cell, sets=(own, bad)),), (), [odd], levels())
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "<b>" not in text.replace("<b>1</b> of", "").replace("<b>0</b> of", "")
    found = data_of(text)
    assert f"{HOSTILE}: {HOSTILE}"[:399] in [each[:399] for each in found["texts"]]
    assert found["rules"][-1]["because"] == HOSTILE


def test_a_click_has_the_rule_that_explains_each_failure() -> None:
    found = data_of(whole())
    plain = next(
        each
        for each in found["sets"]
        if each["name"] == "plain" and found["cells"][each["cell"]]["release"] == "2.10.1"
        if found["cells"][each["cell"]]["python"] == "3.10"
    )
    assert [found["rules"][number]["id"] for number in plain["why"]["import"]] == ["numpy2-tf-abi"]
    assert "command" not in plain


def test_a_pin_that_a_rule_moved_names_the_rule() -> None:
    found = data_of(page((EVIDENCE,), (), database.load().rules, levels()))
    own = found["sets"][0]
    moved = {
        found["pins"][int(pin)]: [found["rules"][number]["id"] for number in numbers]
        for pin, numbers in own["moved"].items()
    }
    assert moved == {"numpy==1.23.5": ["numpy2-tf-abi"]}


def test_every_tile_has_a_name_that_can_be_read_aloud() -> None:
    tiles = [
        str(attributes["aria-label"])
        for tag, attributes in Outline(whole()).tags
        if tag == "button" and "tile" in str(attributes["class"])
    ]
    assert len(tiles) == sum(len(each.sets) - 1 for each in whole_matrix())
    assert (
        "TensorFlow 2.10.1, Python 3.10: envlock's lock passes every level, has no keras; "
        "a plain resolve fails at import"
    ) in tiles
    assert (
        "TensorFlow 2.0.4 with h5py 3.1 on Python 3.7: fails at load; "
        "refused by a rule or by metadata"
    ) in tiles


def test_a_cell_that_was_not_run_is_shown_as_such() -> None:
    text = page((EVIDENCE,), (replace(CELL, python="3.9"),), [], levels())
    assert text.count('title="not run yet"') == 1


def test_the_command_can_be_pasted_into_any_shell() -> None:
    pair = replace(RULES_SET, request=("tensorflow-cpu==2.10.1", "h5py==3.1.*"))
    assert create_command(CELL, pair, levels()) == (
        'envlock create "tensorflow-cpu==2.10.1" "h5py==3.1.*" --python 3.10'
    )
    hostile = replace(RULES_SET, request=("a$(rm -r ~)",))
    assert create_command(CELL, hostile, levels()) == "envlock create 'a$(rm -r ~)' --python 3.10"


def test_the_picture_has_both_numbers_and_a_sign_in_every_cell() -> None:
    (board,) = boards(whole_matrix(), ())
    texts = Texts(picture(board, levels())).found
    assert [text for kind, text in texts if kind == "count"] == ["50 of 82", "82 of 82"]
    signs = [text for kind, text in texts if kind.startswith("sign")]
    assert (len(signs), signs.count("✗"), signs.count("✓")) == (164, 32, 132)


def test_a_pair_that_a_rule_of_today_refuses_is_marked_and_has_no_command() -> None:
    pair = proved("h5py 3.0", package("tensorflow-cpu", "2.10.1"), package("h5py", "3.0.0"))
    cell = CellEvidence(cell=CELL, sets=(RULES_SET, pair))
    rules = [rule("odd", when={"tensorflow": ""}, refuse={"h5py": "==3.0.*"})]
    for known, marked in ((rules, True), ([], False)):
        text = page((cell,), (), known, levels())
        assert ('class="tile against"' in text) is marked
        assert ("command" not in data_of(text)["sets"][1]) is marked


def test_the_summary_says_how_many_pairs_fail_that_envlock_would_make() -> None:
    bad = (Failed(level="import", error="TypeError", detail="no"),)
    h5py = package("h5py", "3.0.0")
    pair = proved("h5py 3.0", package("tensorflow-cpu", "2.10.1"), h5py, outcomes=bad)
    (board,) = boards((CellEvidence(cell=CELL, sets=(RULES_SET, pair)),), ())
    odd = rule("odd", when={"tensorflow": ""}, refuse={"h5py": "==3.0.*"})
    told = "1 cell on linux-x86_64, run 2026-11-25: TensorFlow 2.10 to 2.10 on Python 3.10 to 3.10."
    told += " The gate passes with envlock's lock in 1 of 1."
    told += " Of 1 pair of TensorFlow and h5py 0 pass; a rule or metadata refuses {} that do not."
    assert summary(board, [odd], levels()) == told.format("all 1")
    assert summary(board, [], levels()) == told.format("0 of the 1")


def test_other_builds_stand_in_a_table_of_their_own() -> None:
    gpu = replace(CELL, distribution=canonicalize_name("tensorflow"))
    alone = replace(CELL, version=Version("2.9.3"))
    cells = [EVIDENCE, *(CellEvidence(cell=each, sets=(RULES_SET,)) for each in (gpu, alone))]
    (board,) = boards(cells, ())
    assert [each.cell for each in board.main.cells] == [CELL, alone]
    assert board.others is not None
    assert [each.cell for each in board.others.cells] == [gpu]
    text = page(cells, (), [], levels())
    tables = [attributes["aria-label"] for tag, attributes in Outline(text).tags if tag == "table"]
    assert [str(each).partition(" releases by ")[0] for each in tables] == [
        "TensorFlow",
        "TensorFlow",
        "tensorflow",
    ]
    assert "<code>tensorflow</code>, run with envlock's lock alone: 1 of 1 pass the gate." in text


def test_builds_of_one_release_are_rows_of_their_own() -> None:
    other = replace(CELL, version=Version("2.9.3"))
    (board,) = boards((EVIDENCE,), (other,))
    assert [each.label for each in board.releases] == ["2.10.1", "2.9.3"]
