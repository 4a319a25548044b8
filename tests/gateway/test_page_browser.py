"""The page in a real browser, of a real supervisor: what it shows, what a click does, what comes alone."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.gateway.browser import Browser
from tests.render.browser import Pixels, found
from tests.supervise.controlling import Controlled
from tests.supervise.upping import DEAF, STOP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(found() is None, reason="no browser; install chromium"),
]

SHA1 = hashlib.sha1(b"secret", usedforsecurity=False).hexdigest()
PAPER, NIGHT = (0xF6, 0xF5, 0xF1), (0x14, 0x18, 0x1C)
# Who writes to the FIFO has it in its log.
TALKS = "trap 'exit 0' TERM; exec 7<>said; while read line <&7; do echo said $line; echo $line >&2; done"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def service(name: str, script: str, *options: str) -> str:
    quoted = json.dumps(["sh", "-c", script.replace("$SUPERVISOR_PROCESS_NAME", name).replace("$", "$$")])
    lines = "\n".join(options)
    return f"[services.{name}]\ncommand = {quoted}\n{lines}\n"


class Seen(Controlled):
    """A supervisor with a page."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}/"
        text = (
            f'[web]\nlisten = "127.0.0.1:{port}"\n'
            + service("web", STOP, "drain = '10ms'")
            + service("deaf", DEAF, 'stop-timeout = "50ms"')
            + service("talks", TALKS, 'logs = { stderr = "container" }')
            + service("fails", "exit 3", 'restart = "on-failure:1"')
            + service("waits", STOP, 'after = ["never:ready"]')
            + service("never", STOP, 'ready = "file:/nowhere"')
            + service("pair", STOP, "replicas = 2")
        )
        super().__init__(directory, text, name="endwell.toml")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    os.mkfifo(tmp_path / "said")
    with Seen(tmp_path) as up:
        up.wait_until(lambda: sum(" | up " in line for line in up.out) == 5)
        yield up


def state(label: str, wanted: str) -> str:
    return f"document.querySelector('#service-{label} .state')?.dataset.state === '{wanted}'"


def live(browser: Browser) -> None:
    browser.when("document.getElementById('link')?.textContent === 'This is how it is now.'")


def test_it_shows_what_ps_says(browser: Browser, seen: Seen) -> None:
    browser.window(1200, 900)
    browser.go(seen.address)
    browser.when(state("fails", "EXITED"))
    shown = browser.value(
        "Object.fromEntries([...document.querySelectorAll('.services tbody tr')].map((row) =>"
        " [row.querySelector('a').textContent, row.querySelector('.state').dataset.state]))"
    )
    with seen.talk() as talk:
        rows = talk.rows()
    assert shown == {label: row["state"] for label, row in rows.items()}
    assert len(shown) == 8
    text = browser.value("document.querySelector('main').innerText")
    assert "Waiting for never to be ready" in text
    assert "Exited (3)" in text
    assert "It fits" in text or "It does not fit" in text


def test_a_click_on_stop_stops_the_service(browser: Browser, seen: Seen) -> None:
    browser.window(1200, 900)
    browser.go(seen.address)
    browser.click("#stop-service-deaf")
    browser.when(state("deaf", "STOPPED"))
    browser.when("document.querySelectorAll('#last .bar.killed').length === 1")
    with seen.talk() as talk:
        assert talk.rows("deaf")["deaf"]["state"] == "STOPPED"
    # With the keyboard, too; and the page stays where it was.
    browser.value("document.getElementById('stop-service-web').focus()")
    browser.press("Enter")
    browser.when(state("web", "STOPPED"))
    assert browser.value("location.hash") == "#service-web"
    with seen.talk() as talk:
        assert talk.rows("web")["web"]["state"] == "STOPPED"
        browser.click("#start-service-web")
        browser.when(state("web", "RUNNING"))
        assert talk.rows("web")["web"]["state"] == "RUNNING"


def test_with_a_password_too(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    web = f'[web]\nlisten = "{port}"\nusername = "kim"\npassword = "{{SHA}}{SHA1}"\n'
    with Controlled(tmp_path, web + service("web", STOP), name="endwell.toml") as up, up.talk() as talk:
        up.wait_until(lambda: any("| up web" in line for line in up.out))
        # An address that has them in it is one that scripts may not ask for.
        browser.go(f"http://kim:secret@127.0.0.1:{port}/services/web")
        live(browser)
        browser.click("#stop-service-web")
        browser.when("document.querySelector('.state')?.dataset.state === 'STOPPED'")
        browser.when("document.getElementById('log')?.textContent.includes('bye')")
        assert talk.rows("web")["web"]["state"] == "STOPPED"


def test_what_happens_elsewhere_is_seen(browser: Browser, seen: Seen) -> None:
    browser.window(1200, 900)
    browser.go(seen.address)
    live(browser)
    browser.value("document.getElementById('restart-service-pair-1').focus()")
    with seen.talk() as talk:
        talk.ask("stop", services=["talks"])
        browser.when(state("talks", "STOPPED"))
        # What was taken anew has the focus it had.
        assert browser.value("document.activeElement.id") == "restart-service-pair-1"
        talk.ask("start", services=["talks"])
        browser.when(state("talks", "RUNNING"))


def test_the_log_follows(browser: Browser, seen: Seen, tmp_path: Path) -> None:
    browser.window(1200, 900)
    with (tmp_path / "said").open("w") as said:
        said.write("before\n")
        said.flush()
        seen.wait_until(lambda: any("| said before" in line for line in seen.out))
        browser.go(f"{seen.address}services/talks")
        live(browser)
        said.write("<b>live</b>\n")
        said.flush()
        browser.when(
            "[...document.querySelectorAll('#log .stdout code')].some((one) =>"
            " one.textContent === 'said <b>live</b>')"
        )
        browser.when(
            "[...document.querySelectorAll('#log .stderr code')].some((one) =>"
            " one.textContent === '<b>live</b>')"
        )
        lines = browser.value(
            "[...document.querySelectorAll('#log .stdout code')].map((one) => one.textContent)"
        )
        assert lines == ["said before", "said <b>live</b>"]
        assert browser.value("document.querySelectorAll('#log b').length") == 0
        assert browser.value("document.getElementById('follow').hidden") is False


def test_it_works_without_scripts(browser: Browser, seen: Seen) -> None:
    browser.window(1200, 900, scripts=False)
    try:
        browser.go(seen.address)
        browser.click("#stop-service-web")
        seen.wait_until(lambda: any("| bye" in line for line in seen.out))
        browser.go(f"{seen.address}services/web")
        assert "Stopped (0)" in browser.value("document.querySelector('h1').nextElementSibling.textContent")
        assert "bye" in browser.value("document.getElementById('log').textContent")
    finally:
        browser.window(1200, 900)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", ["", "services/deaf"])
def test_narrow_by_day_and_by_night(
    browser: Browser, seen: Seen, tmp_path: Path, path: str, *, dark: bool
) -> None:
    with seen.talk() as talk:
        talk.ask("stop", services=["deaf", "web"])
    browser.window(400, 800, dark=dark)
    browser.go(f"{seen.address}{path}")
    live(browser)
    # Tables and pictures scroll in their frames, the page does not.
    assert browser.value("document.documentElement.scrollWidth") == 400
    picture = tmp_path / "page.png"
    browser.picture(picture)
    assert Pixels.read(picture).at(2, 2) == (NIGHT if dark else PAPER)


def test_the_end_of_the_supervisor_is_seen(browser: Browser, seen: Seen) -> None:
    browser.window(1200, 900)
    browser.go(seen.address)
    live(browser)
    seen.stop()
    browser.when("document.getElementById('link')?.textContent?.startsWith('The supervisor does not')")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(seen.address.split(":")[2].strip("/"))))
