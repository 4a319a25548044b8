"""A strict reader of OpenMetrics 1.0: what is not as the specification has it fails.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import re

from endwell.records import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_ABOUT = re.compile(rf"# (TYPE|UNIT|HELP) ({_NAME}) (.+)")
_SAMPLE = re.compile(
    rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)?\}})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|\+Inf)"
)
_ONE = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_SUFFIXES = {"gauge": "", "counter": "_total", "info": "_info", "stateset": ""}

Labels = frozenset[tuple[str, str]]


@dataclass
class Family:
    """A metric: what it is, and its values by their labels."""

    kind: str
    unit: str = ""
    help: str = ""
    values: dict[Labels, float] = field(default_factory=dict)


def families(text: str) -> dict[str, Family]:
    """Return the metrics of a text by name."""
    assert text.endswith("# EOF\n"), "no # EOF at the end"
    found: dict[str, Family] = {}
    name = ""
    for line in text.removesuffix("# EOF\n").splitlines():
        about = _ABOUT.fullmatch(line)
        if about is None:
            _sample(line, name, found[name])
            continue
        what, whose, value = about.groups()
        if what == "TYPE":
            assert whose not in found, f"{whose} twice"
            name, found[whose] = whose, Family(value)
        assert whose == name, f"{line} stands in {name}"
        assert what == "TYPE" or not found[name].values, f"{line} behind its samples"
        if what == "UNIT":
            assert name.endswith(f"_{value}"), line
            found[name].unit = value
        elif what == "HELP":
            found[name].help = value
    for name, family in found.items():
        if family.kind == "stateset":
            assert all(name in dict(labels) for labels in family.values)
            assert set(family.values.values()) <= {0, 1}
        if family.kind == "info":
            assert set(family.values.values()) <= {1}
        if family.kind == "counter":
            assert all(value >= 0 for value in family.values.values())
    return found


def _sample(line: str, name: str, family: Family) -> None:
    match = _SAMPLE.fullmatch(line)
    assert match is not None, f"no sample: {line!r}"
    assert match[1] == name + _SUFFIXES[family.kind], f"{line} stands in {name}, {family.kind}"
    pairs = _ONE.findall(match[2] or "")
    labels = frozenset((key, _plain(value)) for key, value in pairs)
    assert len(pairs) == len({key for key, _ in pairs}), f"a label twice: {line}"
    assert labels not in family.values, f"twice: {line}"
    family.values[labels] = float(match[3])


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
