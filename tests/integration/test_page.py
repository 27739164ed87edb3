"""The page in a real Chromium: looked at, clicked, filtered, and walked with the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from envlock.commands.matrix.evidence import write_page
from envlock.evidence.documents import render
from envlock.evidence.values import CellEvidence
from support.browser import Page, browse, chromium
from support.whole_matrix import whole_matrix

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium here")

CELL = '[aria-label^="TensorFlow 2.10.1, Python 3.10:"]'
OLDER = ("2.9.3", "3.10")
PAIR = '[aria-label^="TensorFlow 2.0.4 with h5py 3.1 "]'


def older(cell: CellEvidence) -> CellEvidence:
    """The cell as it was run when no probe had these levels."""
    new = ("recurrent", "convolution")
    sets = (
        replace(each, outcomes=tuple(one for one in each.outcomes if one.level not in new))
        for each in cell.sets
    )
    return replace(cell, sets=tuple(sets))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a matrix that is as large as the real one, with one cell of an older probe."""
    folder = tmp_path_factory.mktemp("page")
    for each in whole_matrix():
        cell = older(each) if (str(each.cell.version), each.cell.python) == OLDER else each
        (folder / cell.cell.filename).write_text(render(cell))
    index, _ = write_page(folder / "site", folder, ())
    return index.as_uri()


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browse(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(chrome: Page, address: str) -> Iterator[Page]:
    """The page, fresh; whatever a test does, it leaves no error and asks for nothing."""
    chrome.size(1280, 900)
    chrome.prefer(prefers_color_scheme="light")
    chrome.console.clear()
    chrome.requests.clear()
    chrome.open("about:blank")
    chrome.open(address)
    yield chrome
    assert chrome.console == []
    assert {each.partition("#")[0] for each in chrome.requests} == {address}


def focused(page: Page) -> str:
    label: str = page.run("document.activeElement.getAttribute('aria-label')")
    return label.partition(":")[0]


def is_open(page: Page) -> bool:
    found: bool = page.run("document.querySelector('dialog').open")
    return found


def counts(page: Page) -> list[str]:
    return page.texts(".number .count")


def test_it_shows_how_many_cells_pass(page: Page) -> None:
    assert counts(page) == ["82 of 82", "50 of 82"]


def test_a_click_shows_the_levels_the_error_the_rule_and_the_pins(page: Page) -> None:
    page.click(CELL)
    assert is_open(page)
    assert page.texts("dialog h2") == ["TensorFlow 2.10.1 on Python 3.10"]
    (bad,) = page.texts("dialog .bad")
    assert "Unable to convert function return value" in bad
    (found,) = page.texts("dialog .rule")
    assert found.startswith("numpy2-tf-abi explains import: ")
    assert page.texts("dialog summary") == ["42 pins, 3 of them different"]
    page.click("dialog summary")
    assert "numpy1.23.5by numpy2-tf-abi2.2.6" in page.texts(".pins tr")
    assert page.texts("dialog dd")[:2] == [
        "2026-11-25, 11 s",
        "linux-x86_64, CPython 3.10.13, glibc 2.36",
    ]


def test_a_pair_that_is_refused_says_so_and_offers_no_command(page: Page) -> None:
    page.click(PAIR)
    assert page.texts("dialog h2") == ["TensorFlow 2.0.4 with h5py 3.1"]
    assert "refuses this pair" in page.texts("dialog .note")[0]
    assert page.texts("dialog .command") == []


def test_the_button_copies_the_command(page: Page) -> None:
    origin = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.tell("Browser.grantPermissions", **origin)
    page.click(CELL)
    (command,) = page.texts("dialog .command code")
    page.click("dialog .copy")
    assert page.run("navigator.clipboard.readText()") == command
    assert command.startswith('envlock create "tensorflow-cpu==2.10.1" --python 3.10')
    assert page.texts(".copy") == ["Copied"]


def test_the_command_is_copied_where_there_is_no_clipboard_to_ask(page: Page) -> None:
    page.run("Object.defineProperty(navigator, 'clipboard', {value: undefined}), 0")
    page.click(CELL)
    page.click("dialog .copy")
    assert page.texts(".copy") == ["Copied"]


def test_a_filter_counts_and_colours_anew(page: Page) -> None:
    page.click('.chip[data-level="resume"]')
    assert counts(page) == ["57 of 82", "25 of 82"]
    new = '[aria-label^="TensorFlow 2.21.0, Python 3.13:"]'
    assert page.run(f"document.querySelector('{new} .own').className") == "own gate"
    assert page.texts(f"{new} .own") == ["✓ \N{MINUS SIGN}1"]
    page.click('.chip[data-level="keras"]')
    assert counts(page)[0] == "14 of 82"
    page.click('.chip[data-level="resume"]')
    page.click('.chip[data-level="keras"]')
    assert counts(page) == ["82 of 82", "50 of 82"]


def test_without_a_filter_the_script_shows_what_the_page_was_written_with(
    page: Page, address: str
) -> None:
    look = (
        "[...document.querySelectorAll('button.tile')].map(e =>"
        " [e.getAttribute('aria-label'), ...[...e.children].map(c => c.className + c.textContent)])"
    )
    page.click('.chip[data-level="resume"]')
    page.click('.chip[data-level="resume"]')
    painted: list[Any] = page.run(look)
    page.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(f"{address}?")
        page.tell("Emulation.setScriptExecutionDisabled", value=False)
        assert page.run(look) == painted
        assert page.run("document.querySelector('.filter').hidden") is True
    finally:
        page.tell("Emulation.setScriptExecutionDisabled", value=False)
        page.requests.remove(f"{address}?")


def test_what_was_not_run_is_neither_a_success_nor_a_failure(page: Page) -> None:
    tile = '[aria-label^="TensorFlow 2.9.3, Python 3.10:"]'
    label = f"document.querySelector('{tile}').getAttribute('aria-label')"
    lock = "TensorFlow 2.9.3, Python 3.10: envlock's lock passes"
    assert page.run(label).startswith(
        f"{lock} every level, has no keras; recurrent, convolution not run;"
    )
    page.click('.chip[data-level="recurrent"]')
    assert page.run(label).startswith(f"{lock} the gate; recurrent not run;")
    assert counts(page)[0] == "81 of 81"
    page.click(tile)
    assert "·recurrent, convolutionnot run" in page.texts("dialog .levels li")


def test_arrow_keys_go_from_cell_to_cell_over_gaps(page: Page) -> None:
    page.run(f"document.querySelector('{CELL}').focus()")
    page.press("ArrowLeft")
    assert focused(page) == "TensorFlow 2.10.1, Python 3.9"
    page.press("ArrowDown")
    assert focused(page) == "TensorFlow 2.9.3, Python 3.9"
    page.press("End")
    assert focused(page) == "TensorFlow 2.9.3, Python 3.10"
    page.press("ArrowRight")
    assert focused(page) == "TensorFlow 2.9.3, Python 3.10"
    page.press("Home", control=True)
    assert focused(page) == "TensorFlow 2.21.0, Python 3.10"
    page.press("ArrowUp")
    assert focused(page) == "TensorFlow 2.21.0, Python 3.10"


def test_the_tab_key_stops_once_in_each_table(page: Page) -> None:
    page.run("document.querySelector('.chip:last-child').focus()")
    page.press("Tab")
    assert focused(page) == "TensorFlow 2.21.0, Python 3.10"
    page.press("Tab")
    assert focused(page) == "TensorFlow 2.21.0 with h5py 3.12 on Python 3.13"


def test_focus_is_seen(page: Page) -> None:
    page.run("document.querySelector('.chip:last-child').focus()")
    page.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert page.run(f"{style}.outlineStyle + parseInt({style}.outlineWidth)") == "solid3"


def test_enter_opens_a_cell_and_escape_goes_back_to_it(page: Page) -> None:
    page.run(f"document.querySelector('{CELL}').focus()")
    page.press("Enter")
    assert is_open(page)
    assert page.run("document.querySelector('dialog').contains(document.activeElement)")
    page.press("Escape")
    assert not is_open(page)
    assert focused(page) == "TensorFlow 2.10.1, Python 3.10"


def test_an_address_with_a_cell_opens_it(page: Page, address: str) -> None:
    page.click(CELL)
    place = page.run("location.hash")
    assert place == "#tensorflow-cpu-2.10.1-cp310-linux-x86_64"
    page.open("about:blank")
    page.open(address + place)
    assert page.texts("dialog h2") == ["TensorFlow 2.10.1 on Python 3.10"]


def test_roles_tell_a_grid_and_a_dialog_with_its_name(page: Page) -> None:
    nodes = page.tell("Accessibility.getFullAXTree")["nodes"]
    named = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n}
    assert ("grid", "TensorFlow releases by Python versions on linux-x86_64") in named
    assert ("grid", "TensorFlow releases by h5py releases on linux-x86_64") in named
    assert {"columnheader", "rowheader", "gridcell"} <= {role for role, _ in named}
    page.click(CELL)
    nodes = page.tell("Accessibility.getFullAXTree")["nodes"]
    named = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n}
    assert ("dialog", "TensorFlow 2.10.1 on Python 3.10") in named


def test_a_phone_scrolls_the_tables_and_not_the_page(page: Page) -> None:
    page.size(375, 700, phone=True)
    assert page.run("document.documentElement.scrollWidth") == 375
    page.run("document.querySelector('.scroll').scrollLeft = 300")
    assert page.run("document.querySelector('.scroll').scrollLeft") == 300
    head = "document.querySelector('tbody th').getBoundingClientRect().left"
    box = "document.querySelector('.scroll').getBoundingClientRect().left"
    assert abs(page.run(f"{head} - {box}")) <= 2
    page.click(CELL)
    assert page.run("document.querySelector('dialog').getBoundingClientRect().width") <= 375
    assert page.run("document.documentElement.scrollWidth") == 375


#: The contrast of every text of a kind with what is behind it, by the formula of WCAG.
CONTRASTS = """
(() => {
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = parts(c).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (parts(c)[3] !== 0) return c;
    }
    return "rgb(255, 255, 255)";
  };
  const kinds = ["h1", ".lead", ".note", ".legend", ".label", ".chip", "th", "th small",
    ".full", ".gate", ".fail"];
  return kinds.map((kind) => {
    const e = document.querySelector(kind);
    const [x, y] = [light(getComputedStyle(e).color), light(behind(e))];
    return [kind, (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)];
  });
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_both_schemes(page: Page, scheme: str) -> None:
    page.prefer(prefers_color_scheme=scheme)
    assert [each for each in page.run(CONTRASTS) if each[1] < 4.5] == []


#: How far apart two colours are in lightness: what is left to those who see no hue.
LIGHTNESS = """
[".full", ".gate", ".fail"].map((kind) => {
  const c = getComputedStyle(document.querySelector(`.key${kind}`)).backgroundColor;
  const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return [kind, 0.2126 * r + 0.7152 * g + 0.0722 * b];
})
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_passes_all_and_what_passes_the_gate_differ_without_hue(
    page: Page, scheme: str
) -> None:
    page.prefer(prefers_color_scheme=scheme)
    shades = dict(page.run(LIGHTNESS))
    assert abs(shades[".full"] - shades[".gate"]) > 60
