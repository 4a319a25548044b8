"""Several calls in one: what they return together has a limit, and who goes beyond it is told so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from endwell.gateway import files
from endwell.gateway.bulk import weight
from endwell.gateway.rpc import Rpc
from endwell.gateway.supervisor import Scene
from tests.gateway.fake import Gateway

if TYPE_CHECKING:
    from pathlib import Path

    from endwell.gateway.supervisor import Supervisor

READ = {"methodName": "supervisor.readLog", "params": [0, 0]}
PID = {"methodName": "supervisor.getPID", "params": []}


class One:
    """A supervisor with a log, which counts how often it is looked at."""

    def __init__(self, log: Path) -> None:
        self.looked = 0
        self._log = log

    async def scene(self) -> Scene:
        self.looked += 1
        return Scene({"pid": 77, "log": str(self._log)}, ())


def multicall(one: One, calls: list[dict[str, Any]], most: int) -> list[Any]:
    rpc = Rpc(cast("Supervisor", one), ["supervisor"], most)
    return cast("list[Any]", asyncio.run(rpc.call("system.multicall", [calls])))


def test_what_is_beyond_the_limit_is_left_out_and_the_rest_is_not_called(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x" * 1000)
    one = One(tmp_path / "log")
    found = multicall(one, [PID, READ, READ, PID, READ, {"params": []}], 2 << 10)
    assert found[0] == 77
    assert found[1] == "x" * 1000
    assert found[2] == {
        "faultCode": 30,
        "faultString": "FAILED: the results of one request are more than 0.00195312 MiB together: "
        "this result is left out",
    }
    # Not even small ones: who has asked for several things expects them to be done in order, or not at all.
    for fault in found[3:5]:
        assert fault["faultCode"] == 30
        assert fault["faultString"].endswith("more than 0.00195312 MiB together: this call was not made")
    assert found[5]["faultCode"] == 2
    assert one.looked == 3


def test_up_to_the_limit_everything_is_there(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x" * 1000)
    found = multicall(One(tmp_path / "log"), [READ] * 4, 4 * (1000 + 64))
    assert found == ["x" * 1000] * 4


def test_a_gateway_has_such_a_limit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(files.LONGEST)
    with Gateway(project={"log": str(log)}) as gateway:
        found = gateway.proxy.system.multicall([READ] * 1000)
        assert [one["faultCode"] for one in found] == [30] * 1000
        assert "more than 64 MiB together" in found[999]["faultString"]


def test_everything_in_a_result_counts() -> None:
    assert weight("x" * 1000) >= 1000
    assert weight([["x" * 1000, 5, True]] * 3) >= 3000
    assert weight(({"x" * 1000: "y" * 1000},)) >= 2000
    assert weight([0] * 1000) >= 8000
