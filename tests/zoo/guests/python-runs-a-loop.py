# guest: none at all: asyncio with a handler of its loop
# prints: told TERM; drained
# expect: well, exit 0, 1 process
# expect: 1 python-runs-a-loop: TERM from outside, handler; exit 0
import asyncio
import os
import signal


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    os.write(1, b"ready\n")
    await stop.wait()
    os.write(1, b"told TERM\n")
    await asyncio.sleep(0.1)
    os.write(1, b"drained\n")


asyncio.run(main())
