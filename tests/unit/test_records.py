"""Records beside the standard library's data classes: the same source, the same behavior."""

from __future__ import annotations

import ast
import dataclasses
import operator
import subprocess
import sys
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, strategies as st

from endwell import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    Call = tuple[list[object], dict[str, object]]

BOTH = (dataclasses, records)
COMPARISONS = (operator.eq, operator.lt, operator.le, operator.gt, operator.ge)
VALUES = st.none() | st.integers(0, 3) | st.text("ab", max_size=2)
NAMES = "abcd"
CALLS = st.tuples(st.lists(VALUES, max_size=4), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
METHODS = ("__eq__", "__lt__", "__setattr__")
# Every class of the package, with what is said of it and of its fields.
SURVEY = """
import importlib, pkgutil, sys
import endwell
if {standard}:
    import dataclasses
    sys.modules["endwell.records"] = dataclasses
from {module} import fields
found = {{}}
for one in pkgutil.walk_packages(endwell.__path__, "endwell."):
    if one.name.endswith(("__main__", ".records")) or one.name == "endwell.probe.pytest_plugin":
        continue
    for name, kind in vars(importlib.import_module(one.name)).items():
        if {mark!r} in getattr(kind, "__dict__", ()):
            found[f"{{kind.__module__}}.{{kind.__qualname__}}"] = (
                tuple((f.name, f.init, f.repr, f.compare, f.kw_only) for f in fields(kind)),
                kind.__slots__ if "__slots__" in kind.__dict__ else None,
                *(getattr(kind, name) is getattr(object, name) for name in {methods}),
                kind.__hash__ is None,
                kind.__match_args__,
            )
print(found)
"""


def survey(*, standard: bool) -> dict[str, object]:
    module, mark = (
        ("dataclasses", "__dataclass_fields__") if standard else ("endwell.records", "__record_fields__")
    )
    code = SURVEY.format(standard=standard, module=module, mark=mark, methods=METHODS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, object] = ast.literal_eval(done.stdout)
    return found


def test_every_class_of_the_package_is_what_it_would_be_with_the_standard_library() -> None:
    ours = survey(standard=False)
    theirs = survey(standard=True)
    assert len(ours) > 100
    assert {name: theirs[name] for name in ours} == ours


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Two classes, the second one derived from the first one."""
    frozen = draw(st.booleans())
    eq = draw(st.booleans())
    words = {"frozen": frozen, "eq": eq, "order": eq and draw(st.booleans()), "slots": draw(st.booleans())}
    lines: list[str] = []
    defaulted = False
    for name, base in (("Base", ""), ("Record", "(Base)")):
        by_name = draw(st.booleans())
        said = ", ".join(f"{word}={value}" for word, value in {**words, "kw_only": by_name}.items())
        lines += [f"@dataclass({said})", f"class {name}{base}:"]
        own = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)) if base else ["a", "b"]
        for one in own:
            kinds = ["plain", "plain"] if not defaulted or by_name else []
            kind = draw(st.sampled_from([*kinds, "default", "factory", "hidden", "uncompared", "made"]))
            defaulted |= kind != "plain" and not by_name
            lines.append(f"    {one}: object" + TEXTS[kind])
        if not own:
            lines.append("    pass")
    return "\n".join(lines)


TEXTS = {
    "plain": "",
    "default": " = 1",
    "factory": " = field(default_factory=list)",
    "hidden": " = field(default=2, repr=False)",
    "uncompared": " = field(default=None, compare=False)",
    "made": " = field(default=3, init=False)",
}


def made_by(module: ModuleType, source: str) -> Any:  # noqa: ANN401  a class of which nothing is known
    names = {"dataclass": module.dataclass, "field": module.field, "__name__": __name__}
    exec(source, names)  # noqa: S102  the source is ours
    return names["Record"]


def outcome(act: Callable[[], object]) -> object:
    """Return what comes of it, a class of errors perhaps."""
    try:
        return act()
    except AttributeError:
        return AttributeError
    except (TypeError, ValueError):  # the latter from `replace`, for a field that is none of `__init__`'s
        return TypeError


def seen_of(module: ModuleType, kind: Any, calls: Iterable[Call], name: str) -> list[object]:  # noqa: ANN401
    """All that can be seen of the records that these calls make."""
    made: list[Any] = [outcome(lambda call=call: kind(*call[0], **call[1])) for call in calls]  # type: ignore[misc]
    alive = [one for one in made if one is not TypeError]
    seen: list[object] = [one.name for one in module.fields(kind)]
    seen += [kind.__match_args__, *map(repr, made)]
    for one in alive:
        seen.append(outcome(lambda one=one: isinstance(hash(one), int)))  # type: ignore[misc]
        seen.append(outcome(lambda one=one: repr(module.replace(one, **{name: 5}))))  # type: ignore[misc]
        for compare, other in product(COMPARISONS, [*alive, 1]):
            seen.append(outcome(partial(compare, one, other)))
        seen.append(outcome(partial(setattr, one, name, 7)))
        seen.append(outcome(partial(delattr, one, name)))
        seen.append(hasattr(one, "__dict__"))
    return seen


@given(sources(), st.lists(CALLS, min_size=1, max_size=4), st.sampled_from("ab"))
def test_they_behave_alike(source: str, calls: list[Call], name: str) -> None:
    try:
        made_by(dataclasses, source)
    except TypeError:  # a field without a default behind one that has one: mypy says so
        reject()
    theirs, ours = (seen_of(module, made_by(module, source), calls, name) for module in BOTH)
    assert ours == theirs, source


def test_equal_ones_have_one_hash() -> None:
    kind = made_by(
        records, "@dataclass(frozen=True, slots=True)\nclass Record:\n    a: object\n    b: object = ()"
    )
    assert len({kind(1), kind(1, ()), kind(2)}) == 2


def test_what_is_made_afterwards_is_looked_at() -> None:
    source = """
@dataclass(slots=True)
class Record:
    a: object
    def __post_init__(self):
        if self.a is None:
            raise ValueError("a record without a")
"""
    for module in BOTH:
        kind = made_by(module, source)
        assert kind(1).a == 1
        with pytest.raises(ValueError, match="without a"):
            kind(None)


def test_methods_of_the_class_are_kept() -> None:
    source = """
@dataclass(frozen=True)
class Record:
    a: object
    def __repr__(self):
        return "mine"
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 3
"""
    for module in BOTH:
        kind = made_by(module, source)
        assert (repr(kind(1)), kind(1) == 0, hash(kind(1))) == ("mine", True, 3)
