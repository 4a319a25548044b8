"""The gateway's process; the supervisor starts it, nobody else has what it needs.

It ends by itself when nobody has come for a while, and when the supervisor does: then its clients are told,
and nobody waits for an answer that does not come any more.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys

from endwell.gateway.control import LONGEST, Control
from endwell.gateway.routes import Routes
from endwell.gateway.rpc import Rpc
from endwell.gateway.server import Server
from endwell.gateway.site import Site
from endwell.gateway.supervisor import Supervisor
from endwell.model.gateway import CONTROL, FIRST_DOOR, SAID, Commission

_LAST_WORDS = 0.3  # seconds in which clients can take their last answers


async def serve(commission: Commission) -> None:
    """Serve until nobody wants it any more."""
    talk = socket.socket(fileno=CONTROL)
    talk.setblocking(False)  # noqa: FBT003  the standard library's
    reader, writer = await asyncio.open_connection(sock=talk, limit=LONGEST)
    control = Control(reader, writer)
    supervisor = Supervisor(control)
    calls = Routes(supervisor, Rpc(supervisor, commission.interfaces))
    server = Server(commission, Site(calls, control, commission.secret))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, control.leave)

    async def end() -> None:
        await control.listen()
        await server.close(_LAST_WORDS)

    listening = asyncio.ensure_future(end())
    await server.serve()
    if control.over:
        await listening
    listening.cancel()


def main() -> int:
    """Read what there is to do, and do it; returns the exit status."""
    try:
        with open(SAID, encoding="utf-8") as said:  # noqa: PTH123  a descriptor
            commission = Commission.read(json.load(said))
        for place in range(len(commission.doors)):
            os.fstat(FIRST_DOOR + place)
    except (OSError, ValueError, LookupError, TypeError):
        print("endwell.gateway is started by `endwell up`, and by nobody else", file=sys.stderr)
        return 2
    asyncio.run(serve(commission))
    return 0
