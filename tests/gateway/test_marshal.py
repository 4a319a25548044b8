"""XML-RPC: what is read, what is refused, and what a client gets to read."""

from __future__ import annotations

import contextlib
from typing import Any
from xmlrpc.client import Fault, dumps, loads

import pytest
from hypothesis import given, strategies as st

from endwell.gateway import marshal
from endwell.gateway.faults import FaultError
from endwell.model import faults

SPEAKABLE = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31 - 1) | SPEAKABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SPEAKABLE, inner, max_size=4),
    max_leaves=10,
)


@given(st.from_regex(r"[a-zA-Z0-9_.:/]+", fullmatch=True), st.lists(VALUES, max_size=4))
def test_a_call_is_read_as_it_was_written(name: str, parameters: list[Any]) -> None:
    body = dumps(tuple(parameters), name).encode()
    assert marshal.loads(body) == (name, tuple(parameters))


@given(VALUES)
def test_a_response_is_read_as_it_was_meant(value: object) -> None:
    assert loads(marshal.response(value)) == ((value,), None)


@given(st.text())
def test_any_text_can_be_read_by_a_client(text: str) -> None:
    found: Any = loads(marshal.response({"text": text}))[0][0]
    assert all(one in (other, "\ufffd") for one, other in zip(found["text"], text, strict=True))


def test_line_ends_stay_what_they_are() -> None:
    assert loads(marshal.response("a\r\nb\rc\n\t"))[0] == ("a\r\nb\rc\n\t",)


def test_a_fault_is_one_for_the_client() -> None:
    with pytest.raises(Fault) as caught:
        loads(marshal.fault(FaultError(faults.Fault.BAD_NAME, "x\x1b<y>")))
    assert (caught.value.faultCode, caught.value.faultString) == (10, "BAD_NAME: x\ufffd<y>")


BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<methodCall><methodName>&c;</methodName></methodCall>"""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><methodCall/>', "document type"),
        (b"<methodCall><params/></methodCall>", "no methodName"),
        (b"<methodCall><methodName></methodName></methodCall>", "no methodName"),
        (b"<methodCall><methodName>a</methodName>", "no element found"),
        (b"", "no element found"),
        (b"\xff\xfe\x00", "Expat"),
        (b"GET / HTTP/1.1", "syntax error"),
        (b"<array>" * 100, "inside each other"),
        (b"<methodCall><methodName>a</methodName><params><param><value><int>x</int></value>", "int"),
        (dumps(("<" * 10,), "a", methodresponse=False).encode()[:-20], "Expat"),
        (b"<a>&nbsp;</a>", "undefined entity"),
        (
            b"<methodCall><methodName>a</methodName><params><param><struct></struct></param></params>",
            "no element found",
        ),
        (b"<int>" + b"9" * 100_000 + b"</int>", "limit"),
        (dumps(Fault(1, "x")).encode(), "Fault"),
    ],
)
def test_what_is_no_call_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(marshal.UnreadableError, match=why):
        marshal.loads(body)


@given(st.binary())
def test_no_body_does_anything_else(body: bytes) -> None:
    with contextlib.suppress(marshal.UnreadableError):
        marshal.loads(body)


@given(st.recursive(st.text(), st.lists, max_leaves=20), st.data())
def test_a_call_cut_short_does_nothing_else(value: Any, data: st.DataObject) -> None:  # noqa: ANN401  whatever can be said
    body = dumps((value,), "a.b").encode(errors="replace")
    cut = data.draw(st.integers(0, len(body) - 1))
    try:
        marshal.loads(body[:cut])
    except marshal.UnreadableError:
        return
    assert body[cut:].strip() == b""
