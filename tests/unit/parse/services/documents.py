"""TOML documents as nobody would write them: every way to write a key, a value and a table."""

from __future__ import annotations

import json

from hypothesis import strategies as st

_BARE = ("a", "b", "c", "1", "-", "a-b", "_")
_QUOTED = ('"a.b"', "'a \"b'", '""', '"\\u00e9"', '"a\\"]"', "'#'")
_key = st.sampled_from((*_BARE, *_QUOTED))
_dotted = st.lists(_key, min_size=1, max_size=3).flatmap(
    lambda keys: st.sampled_from([".", " . ", ". "]).map(lambda dot: dot.join(keys))
)
_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
_basic = _text.map(json.dumps).filter(lambda one: "\\ud" not in one)
_literal = _text.filter(lambda one: "'" not in one).map(lambda one: f"'{one}'")
_pieces = st.lists(
    st.sampled_from(["a", "\n", "#", "]", "\\\\", '\\"', '"', '""', "'", "=", "\\\n "]), max_size=8
)
_long = _pieces.map("".join).map(lambda one: f'"""{one}"""')
_long_literal = st.lists(st.sampled_from(["a", "\n", '"', "'", "''", "\\", "}", "#"]), max_size=8).map(
    lambda one: f"'''{''.join(one)}'''"
)
_plain = st.sampled_from(
    ["true", "0", "-1_000", "0xff", "1e3", "inf", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z", "07:32:00"]
)
_blank = st.sampled_from(["", "", " ", "\n", " # ]\n ", "\n\n"])


def _array(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    item = st.tuples(_blank, values, _blank).map("".join)
    return st.builds(
        lambda items, comma, blank: f"[{','.join(items)}{',' if comma and items else ''}{blank}]",
        st.lists(item, max_size=3),
        st.booleans(),
        _blank,
    )


def _inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.builds(lambda key, value: f" {key} = {value} ", _dotted, values)
    return st.lists(pair, max_size=3).map(lambda pairs: f"{{{','.join(pairs)}}}")


_scalar = _basic | _literal | _long | _long_literal | _plain
_value = st.recursive(_scalar, lambda values: _array(values) | _inline(values), max_leaves=5)
_end = st.sampled_from(["\n", " \n", "\t# c = 'x\n", "\n\n# [x]\n"])
_pair = st.builds(lambda key, value, end: f"{key} = {value}{end}", _dotted, _value, _end)
_header = st.builds(
    lambda key, double, end: (f"[[ {key} ]]" if double else f"[{key}]") + end, _dotted, st.booleans(), _end
)

# Many of them are no TOML, as they declare something twice.
documents = st.lists(_pair | _header, max_size=6).map("".join)
