"""endwell.machine.listener: the protocol of one listener, decided by the bytes it writes."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.machine.listener import LONGEST, Broken, Handled, Listener, ListenerState, Rejected, Verdict
from endwell.machine.notice import Notice
from endwell.machine.pool import Entry

ENTRY = Entry(Notice("TICK_5", "when:0"), 7, 3)
READY = b"READY\n"


def ready() -> Listener:
    listener = Listener()
    listener.able = True
    assert listener.hear(READY) == []
    return listener


def busy() -> Listener:
    listener = ready()
    listener.give(ENTRY)
    return listener


def one_by_one(listener: Listener, data: bytes) -> list[Verdict]:
    return [verdict for byte in data for verdict in listener.hear(bytes([byte]))]


def test_the_numbers_are_supervisords() -> None:
    assert {state.name: int(state) for state in ListenerState} == {
        "READY": 10,
        "BUSY": 20,
        "ACKNOWLEDGED": 30,
        "UNKNOWN": 40,
    }


def test_who_is_ready_is_given_an_event_and_says_how_it_went() -> None:
    listener = ready()
    assert listener.free
    listener.give(ENTRY)
    assert (listener.state, listener.free, listener.entry) == (ListenerState.BUSY, False, ENTRY)
    assert listener.hear(b"RESULT 2\nOK") == [Handled(ENTRY)]
    assert (listener.state, listener.entry) == (ListenerState.ACKNOWLEDGED, None)
    assert listener.hear(READY) == []
    assert listener.free


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"RESULT 2\nOK", Handled(ENTRY)),
        (b"RESULT 2\r\nOK", Handled(ENTRY)),
        (b"RESULT 02\nOK", Handled(ENTRY)),
        (b"RESULT 4\nFAIL", Rejected(ENTRY)),
        (b"RESULT 3\nOK\n", Rejected(ENTRY)),
        (b"RESULT 0\n", Rejected(ENTRY)),
        (b"RESULT 5000\n" + b"OK" * 2500, Rejected(ENTRY)),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_answers(answer: bytes, verdict: Verdict, *, slow: bool) -> None:
    listener = busy()
    assert (one_by_one(listener, answer) if slow else listener.hear(answer)) == [verdict]
    assert listener.state is ListenerState.ACKNOWLEDGED
    assert listener.hear(READY) == []
    assert listener.free


def test_the_next_ready_may_come_with_the_answer() -> None:
    listener = busy()
    assert listener.hear(b"RESULT 2\nOKREADY\n") == [Handled(ENTRY)]
    assert listener.free


@pytest.mark.parametrize(
    "answer", [b"done\n", b"RESULT\n", b"RESULT x\n", b"RESULT -1\n", b"result 2\n", b"\n"]
)
@pytest.mark.parametrize("slow", [False, True])
def test_what_is_no_answer_breaks_the_protocol_and_the_event_is_rejected(
    answer: bytes, *, slow: bool
) -> None:
    listener = busy()
    verdicts = one_by_one(listener, answer) if slow else listener.hear(answer)
    assert verdicts[0] == Rejected(ENTRY)
    assert isinstance(verdicts[1], Broken)
    assert "instead of a result" in verdicts[1].why
    assert listener.state is ListenerState.UNKNOWN


def test_who_writes_before_it_is_asked_breaks_the_protocol() -> None:
    listener = ready()
    assert listener.hear(b"x") == [Broken("wrote 'x' without being asked")]
    listener = Listener()
    assert listener.hear(b"READY\nREADY\n") == [Broken("wrote 'READY\\n' without being asked")]


@pytest.mark.parametrize("words", [b"starting\n", b"R\n", b"READY!", b"x", b"ready\n", b"READY\r\n"])
def test_who_does_not_begin_with_ready_breaks_the_protocol(words: bytes) -> None:
    listener = Listener()
    verdicts = listener.hear(words)
    assert [type(one) for one in verdicts] == [Broken]
    assert listener.state is ListenerState.UNKNOWN


def test_who_broke_the_protocol_is_not_read_any_more_until_another_process_begins() -> None:
    listener = ready()
    listener.hear(b"x")
    for words in (READY, b"RESULT 2\nOK", b"y" * 100_000):
        assert listener.hear(words) == []
        assert not listener.free
    assert listener._heard == b""
    assert listener.end() == []
    assert not listener.free
    listener.able = True
    assert listener.hear(READY) == []
    assert listener.free


def test_a_line_without_an_end_is_not_kept() -> None:
    listener = busy()
    assert listener.hear(b"RESULT " + b"1" * (LONGEST - 7)) == []
    assert [type(one) for one in listener.hear(b"1")] == [Rejected, Broken]


def test_a_long_answer_is_not_kept_either() -> None:
    listener = busy()
    assert listener.hear(b"RESULT 1000000\n") == []
    for _ in range(999):
        assert listener.hear(b"x" * 1000) == []
        assert len(listener._result) + len(listener._heard) < 100
    assert listener.hear(b"x" * 1000) == [Rejected(ENTRY)]


def test_what_it_was_busy_with_when_it_ended_is_rejected() -> None:
    assert busy().end() == [Rejected(ENTRY)]
    assert ready().end() == []
    half = busy()
    half.hear(b"RESULT 2\nO")
    assert half.end() == [Rejected(ENTRY)]
    half.able = True
    half.hear(READY)
    half.give(ENTRY)
    assert half.hear(b"RESULT 2\nOK") == [Handled(ENTRY)]


def test_who_cannot_be_given_anything_is_not_free() -> None:
    listener = Listener()
    listener.hear(READY)
    assert not listener.free


def test_only_who_is_ready_is_given_an_event() -> None:
    with pytest.raises(ValueError, match="cannot give a listener that is BUSY the event 7"):
        busy().give(ENTRY)


def test_what_could_not_be_given_is_taken_back() -> None:
    listener = busy()
    listener.take_back()
    assert listener.free
    assert listener.entry is None


WORDS = [READY, b"RESULT 2\nOK", b"RESULT 4\nFAIL", b"RESULT", b" 2", b"\n", b"OK", b"READY", b"x"]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=5), max_size=20))
def test_any_words_come_to_the_same_in_any_pieces(words: list[bytes]) -> None:
    whole, cut = Listener(), Listener()
    whole.able = cut.able = True
    for number, word in enumerate(words):
        at_once, in_pieces = whole.hear(word), one_by_one(cut, word)
        assert [type(one) for one in at_once] == [type(one) for one in in_pieces]
        assert [one for one in at_once if isinstance(one, Handled | Rejected)] == [
            one for one in in_pieces if isinstance(one, Handled | Rejected)
        ]
        assert (whole.state, whole.entry) == (cut.state, cut.entry)
        assert (whole.entry is None) == (whole.state is not ListenerState.BUSY)
        if whole.free:
            for listener in (whole, cut):
                listener.give(ENTRY._replace(serial=number))
