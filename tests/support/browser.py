"""A real Chromium without a window, driven over its DevTools pipe: clicks, keys, pictures."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_KEYS = {"Enter": "\r", "Tab": "\t"}
_PATIENCE = 30.0  # seconds for an answer


def chromium() -> str | None:
    """Return the program, or None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One page, and what happened on it: console messages, errors, requests."""

    to: int
    back: int
    session: str = ""
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    loaded: int = 0
    _number: int = 0
    _rest: bytes = b""

    def tell(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return what it gives."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def open(self, address: str) -> None:
        """Load an address and wait until its scripts have run."""
        before = self.loaded
        self.tell("Page.navigate", url=address)
        while self.loaded == before:
            self._note(self._next())

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is waited for."""
        answer = self.tell(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """Return the text of every element that a selector finds."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)"
        texts: list[str] = self.run(found)
        return texts

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of the first element that a selector finds."""
        place = self.run(
            f"(e => {{ e.scrollIntoView({{block: 'center', inline: 'center'}});"
            " const box = e.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        at = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        self.tell("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.tell("Input.dispatchMouseEvent", type="mouseReleased", **at)

    def press(self, key: str, *, control: bool = False) -> None:
        """Press a key, as the keyboard does."""
        code = {"Escape": 27, "Enter": 13, "Tab": 9}.get(key, 0)
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        event |= {"modifiers": 2} if control else {}
        event |= {"text": _KEYS[key]} if key in _KEYS else {}
        self.tell("Input.dispatchKeyEvent", type="keyDown", **event)
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Make the window this large, in CSS pixels."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def prefer(self, **features: str) -> None:
        """Set media features, such as ``prefers_color_scheme="dark"``."""
        named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.tell("Emulation.setEmulatedMedia", features=named)

    def picture(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.back], [], [], max(0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            more = os.read(self.back, 1 << 20)
            assert more, "Chromium has ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _note(self, event: Mapping[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self.loaded += 1
            case "Runtime.consoleAPICalled":
                self.console.append(str(params["args"]))
            case "Runtime.exceptionThrown":
                self.console.append(str(params["exceptionDetails"]))
            case "Log.entryAdded":
                self.console.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case _:
                pass


@contextmanager
def browse(folder: Path) -> Iterator[Page]:
    """Give an empty page of a Chromium that keeps its files in ``folder``."""
    program = chromium()
    assert program is not None
    from_us, to_them = os.pipe()
    from_them, to_us = os.pipe()
    # The browser reads commands from file 3 and answers on file 4.
    shell = f'exec "$@" 3<&{from_us} 4>&{to_us}'
    words = ["bash", "-c", shell, "bash", program, *_FLAGS, f"--user-data-dir={folder}"]
    with subprocess.Popen(
        [*words, "about:blank"],
        pass_fds=(from_us, to_us),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(from_us)
        os.close(to_us)
        page = Page(to=to_them, back=from_them)
        try:
            _attach(page)
            yield page
            page.session = ""
            page.tell("Browser.close")
            process.wait(_PATIENCE)
        finally:
            process.kill()
            os.close(to_them)
            os.close(from_them)


def _attach(page: Page) -> None:
    target = page.tell("Target.createTarget", url="about:blank")["targetId"]
    attached = page.tell("Target.attachToTarget", targetId=target, flatten=True)
    page.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        page.tell(f"{domain}.enable")
    page.size(1280, 900)
