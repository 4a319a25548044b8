"""endwell.machine.notice: supervisord's events, by its names and with its payloads."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.machine import notice
from endwell.machine.notice import EVENTS, Notice, Origin, Pieces, meant, readable
from endwell.machine.state import State
from endwell.parse.supervisord.groups import EVENTS as KNOWN

WEB = Origin("web_1", "web", 42)
NAMES = "processname:web_1 groupname:web"


def test_there_are_twenty_of_them_and_seven_names_for_several() -> None:
    assert len(set(EVENTS)) == len(EVENTS) == 20
    assert set(EVENTS) < KNOWN
    assert all(meant([name]) for name in KNOWN)
    assert len(KNOWN) == 27


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (["EVENT"], 20),
        (["PROCESS_STATE"], 8),
        (["PROCESS_STATE_EXITED"], 1),
        (["PROCESS_LOG", "PROCESS_COMMUNICATION"], 4),
        (["TICK", "TICK_5"], 3),
        (["SUPERVISOR_STATE_CHANGE"], 2),
        (["PROCESS_GROUP"], 2),
        (["REMOTE_COMMUNICATION"], 1),
        ([], 0),
    ],
)
def test_a_name_stands_for_all_below_it(names: list[str], number: int) -> None:
    assert len(meant(names)) == number


@pytest.mark.parametrize(
    ("was", "state", "payload"),
    [
        (State.STOPPED, State.STARTING, "from_state:STOPPED tries:3"),
        (State.STARTING, State.BACKOFF, "from_state:STARTING tries:3"),
        (State.STARTING, State.RUNNING, "from_state:STARTING pid:42"),
        (State.RUNNING, State.EXITED, "from_state:RUNNING expected:0 pid:42"),
        (State.RUNNING, State.STOPPING, "from_state:RUNNING pid:42"),
        (State.STOPPING, State.STOPPED, "from_state:STOPPING pid:42"),
        (State.BACKOFF, State.FATAL, "from_state:BACKOFF"),
        (State.STOPPING, State.UNKNOWN, "from_state:STOPPING"),
    ],
)
def test_a_process_in_another_state(was: State, state: State, payload: str) -> None:
    told = notice.changed(WEB, was, state, tries=3, expected=False)
    assert (told.event, told.payload) == (f"PROCESS_STATE_{state.name}", f"{NAMES} {payload}")


@pytest.mark.parametrize(
    ("told", "event", "payload"),
    [
        (
            notice.logged(WEB, "stdout", b"caf\xc3\xa9\n"),
            "PROCESS_LOG_STDOUT",
            f"{NAMES} pid:42 channel:stdout\ncafé\n",
        ),
        (
            notice.logged(WEB, "stderr", b"\xff"),
            "PROCESS_LOG_STDERR",
            f"{NAMES} pid:42 channel:stderr\nUndecodable: b'\\xff'",
        ),
        (
            notice.communicated(WEB, "stderr", b"hello"),
            "PROCESS_COMMUNICATION_STDERR",
            f"{NAMES} pid:42\nhello",
        ),
        (notice.communicated(WEB, "stdout", b""), "PROCESS_COMMUNICATION_STDOUT", f"{NAMES} pid:42\n"),
        (notice.remote("kind", "some text"), "REMOTE_COMMUNICATION", "type:kind\nsome text"),
        (notice.group_added("web"), "PROCESS_GROUP_ADDED", "groupname:web\n"),
        (notice.group_removed("web"), "PROCESS_GROUP_REMOVED", "groupname:web\n"),
        (notice.running(), "SUPERVISOR_STATE_CHANGE_RUNNING", ""),
        (notice.stopping(), "SUPERVISOR_STATE_CHANGE_STOPPING", ""),
        (notice.tick("TICK_60", 1201.9), "TICK_60", "when:1200"),
        (notice.tick("TICK_5", 1204.9), "TICK_5", "when:1200"),
    ],
)
def test_the_other_events(told: Notice, event: str, payload: str) -> None:
    assert (told.event, told.payload) == (event, payload)
    assert told.event in EVENTS


@given(st.text(), st.lists(st.integers(1, 5), min_size=1))
def test_text_is_cut_between_characters(text: str, sizes: list[int]) -> None:
    data, pieces, found, turn = text.encode(), Pieces(), [], 0
    while data:
        size = sizes[turn % len(sizes)]
        found.append(pieces.feed(data[:size]))
        data, turn = data[size:], turn + 1
    assert "".join(map(readable, found)) == text
    assert pieces.rest() == b""


def test_what_is_no_text_is_not_held_for_ever() -> None:
    pieces = Pieces()
    for data in (b"a\xff", b"\xc0", b"\xf5", b"\x82\x82\x82\x82", b"\xe2\x82\xac"):
        assert pieces.feed(data) == data
    assert pieces.feed(b"a\xe2\x82") == b"a"
    assert pieces.rest() == b"\xe2\x82"
    assert pieces.rest() == b""
