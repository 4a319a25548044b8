"""XML-RPC: a request's body to a call, and a value or a fault to a response's body.

The parser is expat, and what makes a small XML document big or slow is refused before it can: a document
type, without which there are no entities to be expanded; and elements within elements within elements. How
long a body may be is for the one to say who reads it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.parsers import expat
from xmlrpc.client import Fault, Unmarshaller, dumps

if TYPE_CHECKING:
    from endwell.gateway.faults import FaultError

DEEPEST = 64  # a multicall with arrays of structs as parameters has some 20

# XML 1.0 has no words for these, not even escaped ones: a client could not read the whole response.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\ufffd"


class UnreadableError(Exception):
    """The body of a request is no call."""


class _Reader:
    """One document.

    The standard library's own parser has no way to refuse a document type.
    """

    def __init__(self) -> None:
        self.call = Unmarshaller(use_builtin_types=True)
        self.call.xml("", None)  # it gets text, not bytes to decode
        self._depth = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.call.data

    def read(self, body: bytes) -> None:
        self._parser.Parse(body, True)  # noqa: FBT003  the standard library's: all of it

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableError(f"more than {DEEPEST} elements are inside each other")
        self.call.start(name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.call.end(name)

    @staticmethod
    def _refuse(*_: object) -> None:
        raise UnreadableError("there is a document type")


def loads(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """Read a call: the method's name and the parameters.

    Raises:
        UnreadableError: it is none.
    """
    reader = _Reader()
    try:
        reader.read(body)
        parameters = reader.call.close()
    except Exception as error:  # noqa: BLE001  whatever a wrong document leads to
        raise UnreadableError(f"{type(error).__name__}: {error}") from None
    method = reader.call.getmethodname()
    if not isinstance(method, str) or not method:
        raise UnreadableError("there is no methodName")
    return method, tuple(parameters)


def response(value: object) -> bytes:
    """Return the body of a response.

    Args:
        value: numbers, truth values, texts, and lists and dictionaries of them.
    """
    return _finished(dumps((_speakable(value),), methodresponse=True))


def fault(error: FaultError) -> bytes:
    """Return the body of a response that says what went wrong."""
    return _finished(dumps(Fault(int(error.code), _speakable(error.text))))


def _finished(text: str) -> bytes:
    # A parser takes a carriage return for a line's end unless it is written like this; none is in the markup.
    return text.replace("\r", "&#13;").encode()


def _speakable(value: Any) -> Any:  # noqa: ANN401  whatever a method returns
    if isinstance(value, str):
        return _UNSPEAKABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {_speakable(key): _speakable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_speakable(one) for one in value]
    return value
