"""endwell.machine.outbox: bounded, in order, line by line."""

from __future__ import annotations

import re

from hypothesis import given, settings, strategies as st

from endwell.machine.lines import Lines
from endwell.machine.marks import Marks
from endwell.machine.outbox import Outbox, Share, Writer
from endwell.model.service import Prefix, WhenBlocked
from endwell.records import dataclass, field

BOUND = 64


def a_writer(
    label: str = "web", policy: WhenBlocked = WhenBlocked.BLOCK, prefix: Prefix = Prefix.NAME
) -> Writer:
    return Writer(Marks(prefix, label, "stdout", lambda _: b"T"), Share(policy))


def written(box: Outbox, most: int = 1 << 30) -> bytes:
    out = b""
    while not box.empty and most > 0:
        data, begin = box.peek()
        end = min(len(data), begin + most)
        out += data[begin:end]
        most -= end - begin
        box.sent(end)
    return out


def test_those_who_block_have_to_wait_until_half_of_it_is_written() -> None:
    box, writer = Outbox(BOUND), a_writer(prefix=Prefix.NONE)
    box.add(writer, b"x" * 40 + b"\n", 0)
    assert not box.full(writer.share)
    box.add(writer, b"y" * 40 + b"\n", 0)
    assert box.full(writer.share)
    box.sent(len(box.peek()[0]))
    assert not box.full(writer.share)


def test_one_who_waits_does_not_make_others_wait() -> None:
    box, one, other = Outbox(BOUND), a_writer(), a_writer("db")
    box.add(one, b"x" * BOUND + b"\n", 0)
    assert box.full(one.share)
    assert not box.full(other.share)


def test_dropped_lines_are_counted_and_a_line_says_how_many() -> None:
    box, writer = Outbox(BOUND), a_writer(policy=WhenBlocked.DROP)
    box.add(writer, b"x" * BOUND + b"\n", 0)
    box.add(writer, b"a\nb\n", 0)
    box.add(writer, b"c\n", 0)
    assert not box.full(writer.share)
    out = written(box)
    box.add(writer, b"d\n", 0)
    assert out + written(box) == (
        b"web | %b\nweb | endwell: 3 lines (6 bytes) dropped: nobody has read them\nweb | d\n"
        % (b"x" * BOUND)
    )


def test_a_line_that_was_begun_is_not_dropped() -> None:
    box, writer = Outbox(BOUND), a_writer(policy=WhenBlocked.DROP, prefix=Prefix.NONE)
    box.add(writer, b"x" * BOUND, 0)
    box.add(writer, b"y\nz\n", 0)
    assert (
        written(box)
        == b"x" * BOUND + b"y\nendwell: web stdout: 1 line (2 bytes) dropped: nobody has read them\n"
    )


def test_an_endless_line_is_bounded_all_the_same() -> None:
    box, writer = Outbox(BOUND), a_writer(policy=WhenBlocked.DROP, prefix=Prefix.NONE)
    for _ in range(1000):
        box.add(writer, b"x" * BOUND, 0)
    assert writer.share.waiting <= BOUND + 1
    box.add(writer, b"xx\nnext\n", 0)
    assert writer.share.lost.size == 999 * BOUND + 3 + 5
    assert writer.share.lost.lines == 2


def test_while_the_place_fails_nobody_waits() -> None:
    box, writer = Outbox(BOUND), a_writer(prefix=Prefix.NONE)
    box.failure = "No space left on device"
    for _ in range(100):
        box.add(writer, b"0123456789\n", 0)
        assert not box.full(writer.share)
    box.failure = ""
    out = written(box)
    assert out.count(b"0123456789\n") * 11 + writer.share.lost.size == 1100
    assert b"dropped: No space left on device\n" in out


def test_what_nobody_will_ever_read_is_counted() -> None:
    box, writer, other = Outbox(BOUND), a_writer(prefix=Prefix.NONE), a_writer("db", prefix=Prefix.NONE)
    box.add(writer, b"abc\ndef\n", 0)
    assert written(box, 2) == b"ab"
    box.add(writer, b"ghi\n", 0)
    box.add(other, b"xyz\n", 0)
    box.discard("gone")
    assert box.empty
    assert (writer.share.waiting, writer.share.lost.lines, writer.share.lost.size) == (0, 3, 10)
    box.add(other, b"next\n", 0)
    assert written(box) == b"\nendwell: db stdout: 1 line (4 bytes) dropped: gone\nnext\n"


def test_one_who_is_not_alone_after_all_ends_the_open_line_of_the_other() -> None:
    box, one, other = Outbox(), a_writer(prefix=Prefix.NONE), a_writer("db", prefix=Prefix.NONE)
    box.add(one, b"Password: ", 0)
    box.add(other, b"ready\n", 0)
    assert written(box) == b"Password: \nready\n"
    box = Outbox(within=True)
    box.add(one, b"a\n", 0)
    assert written(box) == b"\na\n"


NOTE = re.compile(rb"endwell: (\d+) lines? \((\d+) bytes\) dropped: .*")


@dataclass
class Service:
    """One that writes numbered lines, in whatever pieces."""

    writer: Writer
    lines: Lines = field(default_factory=Lines)
    number: int = 0
    begun: bytes = b""


@settings(max_examples=300)
@given(st.data(), st.sampled_from(Prefix), st.lists(st.sampled_from(WhenBlocked), min_size=1, max_size=3))
def test_no_line_is_lost_uncounted_or_cut_or_mixed_or_out_of_order(  # noqa: C901  one story
    data: st.DataObject, prefix: Prefix, policies: list[WhenBlocked]
) -> None:
    box, out = Outbox(BOUND), b""
    services = [Service(a_writer(f"s{at}", policy, prefix)) for at, policy in enumerate(policies)]
    for step in data.draw(
        st.lists(st.tuples(st.sampled_from("wwwosf"), st.integers(0, 2), st.integers(0, 90)))
    ):
        kind, which, size = step
        service = services[which % len(services)]
        if kind == "w" and not box.full(service.writer.share):
            while len(service.begun) < size:
                service.begun += b"s%d:%d:%b\n" % (which % len(services), service.number, b"x" * (size % 17))
                service.number += 1
            piece, service.begun = service.begun[:size], service.begun[size:]
            box.add(service.writer, service.lines.feed(piece), 0)
        elif kind == "o" and not box.empty:  # a write takes some of it
            text, begin = box.peek()
            end = min(len(text), begin + size)
            out += text[begin:end]
            box.sent(end)
        elif kind == "s":
            out += written(box, size * 10)
        elif kind == "f":
            box.failure = "" if box.failure else "full"
        assert service.writer.share.waiting <= BOUND + 2 * 90 + 20
    box.failure = ""
    out += written(box)
    for service in services:
        box.add(service.writer, service.lines.feed(service.begun), 0)
        box.end(service.writer, 0)
        out += written(box)
    assert box.empty
    for at, service in enumerate(services):
        seen = [int(n) for n in re.findall(rb"s%d:(\d+):x*(?=\"|\n)" % at, out)]
        assert seen == sorted(set(seen))
        assert len(seen) + service.writer.share.lost.lines == service.number
        assert not service.writer.share.unsaid.size
        if service.writer.share.policy is WhenBlocked.BLOCK and b"full" not in out:
            assert len(seen) == service.number
    said = sum(int(lines) for lines, _ in NOTE.findall(out)) if prefix is not Prefix.JSON else None
    if said is not None and prefix is not Prefix.NONE:
        assert said == sum(service.writer.share.lost.lines for service in services)
