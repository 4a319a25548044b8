"""endwell.parse.services: whatever the file says, it is read or refused with lines that help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings, strategies as st

from endwell.machine.order import OrderError, order
from endwell.parse.problems import ConfigurationError
from endwell.parse.services.compounds import Either, Key, Pairs, Several, Table
from endwell.parse.services.table import PROJECT
from endwell.render.toml import written_key, written_value
from tests.unit.parse.services.documents import documents
from tests.unit.parse.services.files import FILE, read

if TYPE_CHECKING:
    from endwell.parse.services.kinds import Kind

LINE = re.compile(rf"({re.escape(FILE)}|\S*\.env):[1-9][0-9]*: \S[^\n]*")
_TEXTS = (
    *(
        "web",
        "db:ready",
        "web:completed",
        "on-failure:5",
        "always",
        "tcp:80",
        "exec:x 'y",
        "log:(",
        "10s",
        "TERM",
    ),
    *(
        "${A}",
        "${B:-1}",
        "${C:?no}",
        "$$",
        "$",
        "",
        " ",
        "true",
        "3",
        "-1",
        "unlimited",
        "none",
        "stdout",
        "/x",
    ),
    *("x.env", "web exits", "022", "1:2", "é\u2028\x1b", "a" * 300, "all-exit", "nan", "1e999", "0x10"),
)
_plain = (
    st.sampled_from(_TEXTS)
    | st.integers(-2, 3)
    | st.sampled_from([10**30, 0.5, 1e300, float("inf"), float("nan")])
    | st.booleans()
)
_any = st.recursive(
    _plain,
    lambda one: (
        st.lists(one, max_size=2)
        | st.dictionaries(st.sampled_from(["web", "", "1", "path"]), one, max_size=2)
    ),
    max_leaves=3,
)


def _of(kind: Kind[object]) -> st.SearchStrategy[object]:
    """Return values that look like those of a kind."""
    if isinstance(kind, Either):
        return _of(kind.short) | _of(kind.long)
    if isinstance(kind, Several):
        return st.lists(_of(kind.of), max_size=2)
    if isinstance(kind, Pairs):
        names = st.sampled_from(["web", "db", "1", "2", "nofile", "A", "h:web"])
        return st.dictionaries(names, _of(kind.of), max_size=2)
    if isinstance(kind, Table):
        return st.lists(st.sampled_from(kind.keys).flatmap(_pair), max_size=4).map(dict)
    return _plain


def _pair(key: Key) -> st.SearchStrategy[tuple[str, object]]:
    values = _of(key.kind)
    strange = st.integers(0, 15)
    return st.tuples(
        st.just(key.name), st.tuples(values, _any, strange).map(lambda one: one[1 if one[2] == 0 else 0])
    )


_projects = _of(PROJECT).map(
    lambda table: "".join(
        f"{written_key(name)} = {written_value(value)}\n"
        for name, value in table.items()  # type: ignore[attr-defined]
    )
)


def refusal(text: str) -> str:
    """Return why a file is refused, or cannot be brought into an order; or nothing."""
    try:
        found = read(text, {"app/x.env": "A=1\nB\n"}, A="a", B="2")
    except ConfigurationError as error:
        return str(error)
    try:
        order(found.project)
    except OrderError as error:
        return f"{found.places[error.service]}: {error}"
    return ""


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(_projects | documents)
def test_it_is_read_or_refused(text: str) -> None:
    for line in refusal(text).splitlines():
        assert LINE.fullmatch(line), line
        assert line.isprintable()
