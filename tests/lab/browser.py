"""A headless Chromium, spoken to through two pipes: it opens pages and tells what they ask for and complain of.

Source: Chrome DevTools Protocol, and chromium's --remote-debugging-pipe: JSON with a NUL at its end, in on descriptor
3, out on 4.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.lab.processes import find_program

LOADED = "new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))"
ANSWER_SECONDS = 60     # a busy machine with two cores


@dataclass
class Page:
    """An open page: every address it asked for, and every error it made."""

    session: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Browser:
    """with Browser() as browser: … ; one start serves many pages."""

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="trim-chromium-")
        from_us, to_us = os.pipe(), os.pipe()
        words = [find_program("chromium"), "--headless=new", "--remote-debugging-pipe", "--no-first-run",
                 "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--disable-background-networking", f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=lambda: _as_3_and_4(from_us[0], to_us[1]), start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": self._profile})
        os.close(from_us[0])
        os.close(to_us[1])
        self._out, self._in = open(from_us[1], "wb", buffering=0), open(to_us[0], "rb", buffering=0)
        self._rest, self._number, self._page = b"", 0, None
        return self

    def __exit__(self, *_fault: object) -> None:
        try:
            self._ask("Browser.close")
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired, EOFError):
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._in.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, path: Path, *, width: int, height: int = 900, dark: bool = False) -> Page:
        """Open a file in a window of this size, and wait until it is there."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        self._page = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._ask(f"{domain}.enable", page)
        self._ask("Emulation.setDeviceMetricsOverride", page, width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self._ask("Emulation.setEmulatedMedia", page,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        page.requests.clear()
        self._ask("Page.navigate", page, url=path.as_uri())
        self.run(page, LOADED)
        return page

    def run(self, page: Page, script: str) -> object:
        """Return what a script comes to in a page; a promise is waited for."""
        told = self._ask("Runtime.evaluate", page, expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def picture(self, page: Page, path: Path) -> None:
        """Write a picture of the whole page, as long as it is."""
        shot = self._ask("Page.captureScreenshot", page, format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _ask(self, method: str, page: Page | None = None, **params: object) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if page:
            message["sessionId"] = page.session
        self._out.write(json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self._note(told)
        raise TimeoutError(f"chromium did not answer {method}")

    def _next(self) -> dict:
        while b"\0" not in self._rest:
            chunk = self._in.read(1 << 16)
            if not chunk:
                raise EOFError("chromium has ended")
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, told: dict) -> None:
        if self._page is None or told.get("sessionId") != self._page.session:
            return
        params = told.get("params", {})
        if told["method"] == "Network.requestWillBeSent":
            self._page.requests.append(params["request"]["url"])
        elif told["method"] == "Runtime.exceptionThrown":
            self._page.errors.append(params["exceptionDetails"]["text"])
        elif told["method"] == "Log.entryAdded":
            self._page.errors.append(params["entry"]["text"])
        elif told["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self._page.errors.append(str(params["args"]))


def _as_3_and_4(reading: int, writing: int) -> None:
    """Give the two pipes the numbers that chromium wants; both are out of the way first."""
    reading, writing = os.dup(reading), os.dup(writing)
    while min(reading, writing) < 5:
        reading, writing = os.dup(reading), os.dup(writing)
    os.dup2(reading, 3)
    os.dup2(writing, 4)
