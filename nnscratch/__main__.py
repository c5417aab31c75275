"""What `nnscratch` and `python -m nnscratch` start.

Loading the command line takes a fifth of a second. A signal that comes before it listens ends the
process at once, and quietly, since nothing has been begun.
"""

import sys

sys.excepthook = lambda kind, error, trace: (  # until there is a handler, for Ctrl-C
    None if kind is KeyboardInterrupt else sys.__excepthook__(kind, error, trace)
)

import os  # noqa: E402
import signal  # noqa: E402


def main() -> None:
    """Run the command line."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    sys.excepthook = sys.__excepthook__
    from nnscratch.app.cli import main as run

    run()


def _leave(number: int, _frame: object) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
