"""A browser without a window that can be told what to do: Chromium's own protocol, through two pipes.

https://chromedevtools.github.io/devtools-protocol/: JSON, each message ended by a NUL.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import signal
import tempfile
from typing import TYPE_CHECKING, Any, Self

from endwell.system.program import Program
from endwell.system.spawn import spawn
from tests.render.browser import NAMES, OPTIONS, found

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0
# Only what is on this machine is there.
_ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# Resolves when an expression is true; looks again whenever something on the page has changed.
_WHEN = """new Promise((resolve) => {
  const look = () => { if (%s) { observer.disconnect(); resolve(true); return true; } return false; };
  const observer = new MutationObserver(look);
  const all = {subtree: true, childList: true, characterData: true, attributes: true};
  if (!look()) observer.observe(document, all);
})"""


class Browser:
    """A browser with one tab."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        profile = self._held.enter_context(
            tempfile.TemporaryDirectory(prefix="endwell-browser-", ignore_cleanup_errors=True)
        )
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = (
            found() or NAMES[0],
            *(one for one in OPTIONS if not one.startswith("--host-resolver-rules")),
            _ONLY_HERE,
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
            "about:blank",
        )
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
            self._process = spawn(
                Program(
                    command=command,
                    environment=os.environ,
                    stdin=nothing.fileno(),
                    stdout=nothing.fileno(),
                    stderr=nothing.fileno(),
                    descriptors={3: theirs_in, 4: theirs_out},
                )
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._events: set[tuple[str, str]] = set()
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.call("Runtime.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process.pid, 0)
        self._process.close()
        os.close(self._in)
        os.close(self._out)
        self._held.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  the protocol's
        """Let the browser do something, and return what has come of it."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            pass
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def go(self, address: str) -> None:
        """Show a page."""
        loader = self.call("Page.navigate", url=address)["loaderId"]
        while ("load", loader) not in self._events:
            self._read()
        self._events.clear()

    def value(self, expression: str) -> Any:  # noqa: ANN401  whatever it is
        """Return what an expression in the page is, or becomes if it is a promise."""
        done = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def when(self, expression: str) -> None:
        """Wait until an expression in the page is true; the page may be another one by then."""
        while True:
            try:
                assert self.value(_WHEN % expression)
            except AssertionError as error:
                # What has waited in a page that is gone is gone with it.
                if not any(word in str(error) for word in ("navigated", "destroyed", "context")):
                    raise
            else:
                return

    def click(self, selector: str) -> None:
        """Click on an element, with the pointer."""
        x, y = self.value(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView();"
            " const box = one.getBoundingClientRect();"
            " return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key."""
        codes = {"Enter": 13, "Tab": 9}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            own = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes[key], **own)

    def window(self, width: int, height: int, *, dark: bool = False, scripts: bool = True) -> None:
        """Let the window be so large, the day or night, and scripts run or not."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def picture(self, path: Path) -> None:
        """Write what is to be seen, all of the page, as a PNG."""
        done = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(done["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], PATIENCE)
            assert ready, "the browser says nothing any more"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Page.lifecycleEvent":
            self._events.add((message["params"]["name"], message["params"]["loaderId"]))
        return message
