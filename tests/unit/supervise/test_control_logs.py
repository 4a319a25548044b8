"""The past of several services: in its order, and not held as lines while somebody is slow to take it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from endwell.model.service import ServiceSpec
from endwell.supervise.control import logs as module, tails
from endwell.supervise.control.tails import Tails

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECS = [ServiceSpec(name=name, command=("x",)) for name in ("web", "db", "job")]
LINES = 1500  # of each: less than is kept


class Taker:
    """Somebody who asks, as far as an answer is made for him."""

    def __init__(self) -> None:
        self.done = False

    @staticmethod
    def line(value: dict[str, Any]) -> bytes:
        return f"{value['label']} {value['time']:g} {value['text']}\n".encode()

    def ok(self) -> None:
        self.done = True


def past(tail: int | None, since: float | None = None) -> tuple[Taker, Iterator[bytes]]:
    """What three services have written in turns, a line in each second."""
    clock = itertools.count()
    all_tails = Tails(lambda: float(next(clock)))
    taps = [all_tails.tap(spec) for spec in SPECS]
    for number in range(LINES):
        for tap in taps:
            tap("stdout", b"%d\n" % number)
    desk = SimpleNamespace(
        lives={spec.key: SimpleNamespace(spec=spec) for spec in SPECS},
        tails=all_tails,
        capture=SimpleNamespace(paths=lambda _: (None, None)),
    )
    taker = Taker()
    reader = module._Reader(cast("Any", desk), cast("Any", taker), tuple(desk.lives))
    return taker, reader.all(tail, since, follow=False)


def test_it_comes_in_the_order_in_which_it_was_written() -> None:
    taker, pieces = past(None)
    found = b"".join(pieces).decode().splitlines()
    expected = itertools.product(range(LINES), SPECS)
    assert found == [f"{spec.label} {at} {number}" for at, (number, spec) in enumerate(expected)]
    assert taker.done


@pytest.mark.parametrize(
    ("tail", "since", "expected"),
    [(0, None, 0), (2, None, 6), (LINES * 2, None, LINES * 3), (None, 4490, 10), (2, 4497, 3)],
)
def test_the_last_of_it(tail: int | None, since: float | None, expected: int) -> None:
    _, pieces = past(tail, since)
    found = b"".join(pieces).decode().splitlines()
    times = [int(line.split()[1]) for line in found]
    assert times == list(range(LINES * 3 - expected, LINES * 3))


def test_who_is_slow_costs_no_more_lines_than_he_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    line = tails.Line

    def counted(*words: Any) -> tails.Line:  # noqa: ANN401  as it is made
        made.append(1)
        return line(*words)

    monkeypatch.setattr(tails, "Line", counted)
    _, pieces = past(None)
    sent = b""
    while not sent:
        sent = next(pieces)
    assert sent.count(b"\n") <= len(made) < LINES
