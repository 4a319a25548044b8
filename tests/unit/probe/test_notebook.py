"""So many glimpses and no more, but every birth and every end."""

from __future__ import annotations

from endwell.machine.glimpses import Became, Collected, Ended, Glimpse, Left, Met, Sent, Stance, Stood
from endwell.model.signals import TERM
from endwell.model.timeline import Origin, Sender
from endwell.probe.notebook import Notebook

SENT = Sent(2, 1, TERM, Sender(Origin.PROCESS, 2), Stance())


def test_what_is_beyond_is_counted_but_for_births_and_ends() -> None:
    book = Notebook(most=2)
    lives: list[Glimpse] = [Ended(3, 2), Collected(3, 2, 0), Met(4, 3, 1), Left(5, 3, 0)]
    more: list[Glimpse] = [SENT, SENT, Became(2, 1, ("x",)), Stood(2, 1, Stance())]
    for one in (Met(0, 1, 0), Met(1, 2, 1), *more, *lives):
        book.write(one)
    assert book.read() == (Met(0, 1, 0), Met(1, 2, 1), *lives)
    assert book.lost == 3  # a look that was not kept is no event


def test_who_was_killed_at_a_call_did_not_make_it() -> None:
    book = Notebook()
    book.write(SENT)
    place = book.place
    for one in (Met(2, 2, 1), SENT, Left(2, 2, 0), Stood(2, 1, Stance())):
        book.write(one)
    book.withdraw(place)
    assert book.read() == (SENT, Met(2, 2, 1), Stood(2, 1, Stance()))
