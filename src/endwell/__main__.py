"""The command `endwell`, and `python -m endwell` where the scripts directory is not on PATH."""

import os
import sys

# Called by one of these names, through a link, endwell is that command.
PERSONAS = ("supervisord", "supervisorctl")


def main() -> int:
    """Run the command line; returns the exit status.

    Ctrl-C may come while it is imported, too, and then is no reason for a traceback.
    """
    try:
        from endwell.cli.main import main as run  # noqa: PLC0415  see above

        name = os.path.basename(sys.argv[0])  # noqa: PTH119  pathlib brings urllib along, into PID 1
        return run([name, *sys.argv[1:]] if name in PERSONAS else None)
    except KeyboardInterrupt:
        return 128 + 2  # as a shell says it of SIGINT


if __name__ == "__main__":
    sys.exit(main())
