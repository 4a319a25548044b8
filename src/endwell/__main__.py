"""The command `endwell`, and `python -m endwell` where the scripts directory is not on PATH."""

import os
import sys

# Called by one of these names, through a link, endwell is that command.
PERSONAS = ("supervisord", "supervisorctl")


def main() -> int:
    """Run the command line; returns the exit status.

    Ctrl-C may come while it is imported, too, and then is no reason for a traceback.
    """
    _take_standard_descriptors()
    try:
        from endwell.cli.main import main as run  # noqa: PLC0415  see above

        name = os.path.basename(sys.argv[0])  # noqa: PTH119  pathlib brings urllib along, into PID 1
        return run([name, *sys.argv[1:]] if name in PERSONAS else None)
    except KeyboardInterrupt:
        return 128 + 2  # as a shell says it of SIGINT


def _take_standard_descriptors() -> None:
    """Put /dev/null in place of an input or output that was closed.

    The next thing that is opened would have its number, be it a log of a service or the memory of a plan, and
    Python has no stream for it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003  the standard library's
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115  for as long as we are


if __name__ == "__main__":
    sys.exit(main())
