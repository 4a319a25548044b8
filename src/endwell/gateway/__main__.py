"""The gateway's process: what is in the way of its start is one line, since it is tried again and again."""

from __future__ import annotations

import sys


def main() -> int:
    """Load what it takes, and serve; returns the exit status."""
    try:
        from endwell.gateway.service import main as serve  # noqa: PLC0415  see above
    except Exception as error:  # noqa: BLE001  a package that is broken, or no memory for it
        print(
            f"endwell: gateway: cannot be loaded: {type(error).__name__}: {error}: install endwell anew,"
            " or let the container have more memory",
            file=sys.stderr,
        )
        return 1
    return serve()


if __name__ == "__main__":
    sys.exit(main())
