"""endwell.model.control and model.request: lines, and what they ask for."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.model.control import REQUESTS, ControlError, Kind, decode, encode, places
from endwell.model.request import Request
from endwell.supervise.control.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

text = st.text(st.characters(), max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


def refusal(call: Callable[[], object]) -> ControlError | None:
    """Return how something is refused, if it is."""
    try:
        call()
    except ControlError as error:
        return error
    return None


@given(st.dictionaries(text, anything))
def test_a_value_is_one_line_and_comes_back(value: dict[str, object]) -> None:
    line = encode(value)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == json.loads(json.dumps(value))


@given(st.binary())
def test_bytes_of_services_come_through(data: bytes) -> None:
    sent = encode({"text": data.decode(errors="surrogateescape")})
    assert decode(sent)["text"].encode(errors="surrogateescape") == data


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_request_or_refused_in_one_line(line: bytes) -> None:
    refused = refusal(lambda: Request.read(decode(line)))
    assert refused is None or ("\n" not in refused.message and len(refused.message) < 1000)


@given(st.dictionaries(text, anything), st.sampled_from(sorted(REQUESTS)))
def test_whatever_arguments_there_are(value: dict[str, object], do: str) -> None:
    arguments = {name: next(iter(value.values()), None) for name in REQUESTS[do]}
    request = Request.read({"id": 1, "do": do, **arguments})
    for name in REQUESTS[do]:
        for read in (request.names, request.text, request.whole, request.number_or_none, request.table):
            refused = refusal(partial(read, name))
            assert refused is None or (refused.kind is Kind.BAD_ARGUMENTS and "\n" not in refused.message)


def test_everything_that_can_be_asked_for_is_answered_by_somebody() -> None:
    assert set(TABLE) | {"cancel"} == set(REQUESTS)


def test_arguments_that_are_not_there() -> None:
    request = Request.read({"id": 3, "do": "logs", "tail": None, "follow": True})
    assert (request.number, request.do) == (3, "logs")
    assert request.names("services") == ()
    assert request.flag("follow", default=False) is True
    assert request.number_or_none("since") is None
    assert request.whole("tail", 7) == 7
    with pytest.raises(ControlError, match="logs: tail has to be a whole number, not nothing"):
        request.whole("tail")


def test_an_error_is_sent_with_its_problems() -> None:
    error = ControlError(Kind.CONFIGURATION, "cannot use it", ("a:1: one", "a:2: two"))
    assert error.value == {
        "kind": "configuration",
        "message": "cannot use it",
        "problems": ["a:1: one", "a:2: two"],
    }
    assert "problems" not in ControlError(Kind.BUSY, "later").value


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, ("/run/endwell.sock", "/tmp/endwell-7.sock", "@endwell-7")),
        (
            {"XDG_RUNTIME_DIR": "/x"},
            ("/run/endwell.sock", "/x/endwell.sock", "/tmp/endwell-7.sock", "@endwell-7"),
        ),
    ],
)
def test_the_usual_places(environment: dict[str, str], found: tuple[str, ...]) -> None:
    assert places(7, environment) == found
