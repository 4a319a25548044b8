"""endwell.render.services_schema and services_page: made of the table of keys, and written down."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from endwell.model.service import ServiceSpec
from endwell.parse.services.table import SERVICE
from endwell.records import fields
from endwell.render.services_page import EXAMPLE
from endwell.render.services_schema import schema
from tests.unit.parse.services.__main__ import PAGES, REFERENCE
from tests.unit.parse.services.files import WEB
from tests.unit.parse.services.test_errors import ERRORS
from tests.unit.parse.services.test_reading import test_keys as keys

VALIDATOR = Draft202012Validator(schema())
# The reader knows more than a schema can say.
BEYOND = (
    *("env-file: cannot read", "names ", "two places", "there is no replica", "cannot be split"),
    *("begins no variable", "needs the variable", "NUL character", "is not a signal", "has a limit that"),
    *("no way to know", "asked again", "has no command: write", "octal number up to", "number of bytes"),
    *("has no name: write", "not the name of a", "is no limit", "number of times", "has no limit"),
    *("none of the words", "does not say when", "64 bits"),
    *("above the hard one", "is empty: write", "is no pause at all", "has no number from"),
)


def valid(text: str) -> bool:
    return VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), (
        "write it again: python -m tests.unit.parse.services"
    )


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_example_is_valid() -> None:
    VALIDATOR.validate(tomllib.loads(EXAMPLE))


def test_every_key_that_is_read_is_valid() -> None:
    (mark,) = [one for one in keys.pytestmark if one.name == "parametrize"]
    for options, _ in mark.args[1]:
        document: dict[str, Any] = tomllib.loads(WEB + options)
        VALIDATOR.validate(document)


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_is_refused_is_not_valid_where_a_schema_can_tell(text: str, message: str) -> None:
    if (
        not any(words in message for words in BEYOND)
        and "2020-01-01" not in text
        and "drain = inf" not in text
    ):
        assert not valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "stop_signal = 'TERM'",
        "nice = 'high'",
        "restart.condition = 'allways'",
        "replicas = 0",
        "autostart = 'no'",
    ],
)
def test_what_an_editor_underlines(text: str) -> None:
    assert not valid(WEB + text)


def test_every_field_of_a_service_can_be_said() -> None:
    words = {"directory": "working-directory", "stdout": "logs", "stderr": "logs", "index": "replica"}
    said = {one.name for one in SERVICE.keys}
    # The name stands in the header; other names, event listeners and FastCGI are supervisord's own.
    for field in fields(ServiceSpec):
        if field.name not in {"name", "process", "listener", "socket"}:
            assert words.get(field.name, field.name.replace("_", "-")) in said
