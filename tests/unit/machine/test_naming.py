"""endwell.machine.naming: what people call services."""

from __future__ import annotations

import pytest

from endwell.machine.naming import Names
from endwell.model.control import ControlError, Kind
from endwell.model.service import ServiceSpec


def spec(name: str, index: int = 0, replicas: int = 1, group: str = "") -> ServiceSpec:
    return ServiceSpec(name=name, index=index, replicas=replicas, group=group or name, command=("x",))


SPECS = (
    spec("web", 0, 2),
    spec("web", 1, 2),
    spec("db", group="stores"),
    spec("cache", group="stores"),
    spec("odd:name", group="odd"),
    spec("web-1", group="sly"),
)


def names(specs: tuple[ServiceSpec, ...] = SPECS) -> Names:
    return Names(specs, lambda one: f"p_{one.index}" if one.replicas > 1 else one.name)


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("all", [one.key for one in SPECS]),
        ("web", [("web", 0), ("web", 1)]),
        ("web-2", [("web", 1)]),
        ("web-1", [("web-1", 0)]),  # a service's own name comes before a replica's label
        ("web:p_1", [("web", 1)]),
        ("web:*", [("web", 0), ("web", 1)]),
        ("web:", [("web", 0), ("web", 1)]),
        ("stores:*", [("db", 0), ("cache", 0)]),
        ("stores:db", [("db", 0)]),
        ("stores", [("db", 0), ("cache", 0)]),
        ("p_0", [("web", 0)]),
        ("odd:name", [("odd:name", 0)]),
        ("odd:odd:name", [("odd:name", 0)]),
        ("cache db", [("db", 0), ("cache", 0)]),
        ("db stores:* db", [("db", 0), ("cache", 0)]),
        ("", []),
    ],
)
def test_a_name_means(written: str, keys: list[tuple[str, int]]) -> None:
    assert list(names().resolve(written.split())) == keys


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("wbe", "there is no service 'wbe': did you mean web?"),
        ("web-3", "there is no service 'web-3': did you mean web-"),
        ("stores:web", "there is no service 'stores:web': did you mean stores:db?"),
        ("nobody:*", "there is no service 'nobody:*': there are web, db, cache, odd:name, web-1"),
        ("", "there is no service '': there are web,"),
        ("x" * 10_000, "there is no service 'xxxx"),
    ],
)
def test_who_is_not_there_is_named_with_somebody_near(written: str, said: str) -> None:
    with pytest.raises(ControlError) as caught:
        names().resolve((written,))
    assert caught.value.kind is Kind.NO_SUCH_SERVICE
    assert caught.value.message.startswith(said)
    assert len(caught.value.message) < 250


def test_where_there_is_nobody() -> None:
    with pytest.raises(ControlError, match="there is none at all"):
        names(()).resolve(("web",))
    assert names(()).resolve(("all",)) == ()


def test_one() -> None:
    assert names().one("web-2") == ("web", 1)
    with pytest.raises(ControlError, match="web is more than one: name one of web-1, web-2") as caught:
        names().one("web")
    assert caught.value.kind is Kind.BAD_ARGUMENTS
