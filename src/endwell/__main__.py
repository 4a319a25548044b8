"""The command `endwell`, and `python -m endwell` where the scripts directory is not on PATH."""

import sys


def main() -> int:
    """Run the command line; returns the exit status.

    Ctrl-C may come while it is imported, too, and then is no reason for a traceback.
    """
    try:
        from endwell.cli.main import main as run  # noqa: PLC0415  see above

        return run()
    except KeyboardInterrupt:
        return 128 + 2  # as a shell says it of SIGINT


if __name__ == "__main__":
    sys.exit(main())
