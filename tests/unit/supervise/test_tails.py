"""endwell.supervise.control.tails: the last of what services write, and lines as they come."""

from __future__ import annotations

from hypothesis import given, strategies as st

from endwell.model.service import Log, ServiceSpec
from endwell.supervise.control.tails import ALL_TOGETHER, LEAST, LONGEST, MOST, Line, Tails

WEB = ServiceSpec(name="web", command=("x",))
pieces = st.lists(st.binary(min_size=1, max_size=9).map(lambda one: one.replace(b"\r", b"\n")), max_size=40)


class Clock:
    """A wall clock that goes on by a second whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def texts(lines: list[Line]) -> list[bytes]:
    return [line.text for line in lines]


@given(pieces)
def test_whatever_the_pieces_the_lines_are_the_same(data: list[bytes]) -> None:
    tails = Tails(Clock())
    tap, tail = tails.tap(WEB), tails.of(WEB)
    for one in data:
        tap("stdout", one)
    whole = b"".join(data)
    *ended, rest = whole.split(b"\n")
    kept = list(tail.lines(whole=True))
    assert texts(kept) == ended
    assert [line.time for line in kept] == sorted(line.time or 0 for line in kept)
    assert texts(list(tail.lines(whole=False))) == ended + ([rest] if rest else [])


@given(pieces, st.integers(0, 40))
def test_who_follows_hears_each_line_once_from_the_one_that_was_begun(data: list[bytes], begin: int) -> None:
    tails = Tails(Clock())
    tap, tail = tails.tap(WEB), tails.of(WEB)
    heard: list[Line] = []
    before: list[Line] = []
    for at, one in enumerate(data):
        if at == begin:
            before = list(tail.lines(whole=True))
            tail.follow(heard.extend)
        tap("stdout", one)
    if begin >= len(data):
        before = list(tail.lines(whole=True))
        tail.follow(heard.extend)
    tap.ended()
    everything = b"".join(data).split(b"\n")
    assert texts(before) + texts(heard) == everything[:-1] + ([everything[-1]] if everything[-1] else [])


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=60), st.integers(500, 4000))
def test_what_is_kept_is_bounded_and_its_lines_are_whole(data: list[bytes], bound: int) -> None:
    tails = Tails(Clock())
    tap, tail = tails.tap(WEB), tails.of(WEB)
    tails.bound = bound
    for one in data:
        tap("stdout", one)
    assert sum(len(piece.data) for piece in tail._pieces) <= bound
    kept = texts(list(tail.lines(whole=False)))
    everything = b"".join(data).split(b"\n")
    if not everything[-1]:
        everything.pop()
    assert kept == everything[len(everything) - len(kept) :]


def test_two_processes_at_once_do_not_mix_their_lines() -> None:
    tails = Tails(Clock())
    main, hook = tails.tap(WEB), tails.tap(WEB)
    main("stdout", b"one ")
    hook("stdout", b"other\nhalf")
    main("stdout", b"line\n")
    assert texts(list(tails.of(WEB).lines(whole=False))) == [b"other", b"one line", b"half"]


def test_streams_are_told_apart() -> None:
    tails = Tails(Clock())
    spec = ServiceSpec(name="web", command=("x",), stderr=Log())
    tap = tails.tap(spec)
    tap("stdout", b"a")
    tap("stderr", b"b\n")
    tap("stdout", b"c\n")
    lines = list(tails.of(spec).lines(whole=True))
    assert lines == [Line(2.0, "stderr", b"b"), Line(1.0, "stdout", b"ac")]


def test_the_last_words_are_at_their_end_when_the_process_is() -> None:
    tails = Tails(Clock())
    tap, heard = tails.tap(WEB), list[Line]()
    tails.of(WEB).follow(heard.extend)
    tap("stdout", b"fatal")
    tap.ended()
    tap.ended()
    again = tails.tap(WEB)
    again("stdout", b"up\n")
    assert texts(heard) == [b"fatal", b"up"]
    assert texts(list(tails.of(WEB).lines(whole=True))) == [b"fatal", b"up"]


def test_a_line_without_end_comes_in_pieces() -> None:
    tails = Tails(Clock())
    tap, heard = tails.tap(WEB), list[Line]()
    tails.of(WEB).follow(heard.extend)
    for _ in range(3):
        tap("stdout", b"x" * LONGEST)
    assert [len(line.text) for line in heard] == [LONGEST] * 3


def test_what_goes_to_files_is_not_kept() -> None:
    tails = Tails(Clock())
    spec = ServiceSpec(name="web", command=("x",), stdout=Log("/var/log/x"), stderr=Log(discard=True))
    tap, heard = tails.tap(spec), list[Line]()
    tap("stdout", b"begun")
    tails.of(spec).follow(heard.extend)
    tap("stdout", b" and ended\n")
    assert list(tails.of(spec).lines(whole=False)) == []
    assert texts(heard) == [b"begun and ended"]


def test_many_services_share_what_there_is() -> None:
    tails = Tails(Clock())
    specs = [ServiceSpec(name=f"s{at}", command=("x",)) for at in range(1000)]
    tails.of(specs[0])
    assert tails.bound == MOST
    for spec in specs[:64]:
        tails.of(spec)
    assert tails.bound == ALL_TOGETHER // 64
    for spec in specs:
        tails.of(spec)
    assert tails.bound == LEAST
    for spec in specs[1:]:
        tails.forget(spec.key)
    assert tails.bound == MOST


def test_who_is_started_over_and_over_is_not_remembered_for_ever() -> None:
    tails = Tails(Clock())
    for _ in range(10_000):
        tap = tails.tap(WEB)
        tap("stdout", b"x" * 100)
        tap.ended()
    tail = tails.of(WEB)
    assert len(tail._cut) <= 33
    assert tail._size <= tails.bound + 400


def test_together_they_keep_no_more_than_there_is_for_all() -> None:
    tails = Tails(Clock())
    taps = [tails.tap(ServiceSpec(name=f"s{at}", command=("x",))) for at in range(200)]
    for _ in range(600):
        for tap in taps:
            tap("stdout", b"x" * 99 + b"\n")
    sizes = [tail._size for tail in tails._tails.values()]
    assert max(sizes) <= ALL_TOGETHER // 200 + 400
    assert sum(sizes) <= ALL_TOGETHER + 200 * 400
