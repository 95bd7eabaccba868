"""`failover`: finds the command, runs it, and turns an error into a message, a hint and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from failover import __version__
from failover.cli.commands import agent, config, demo, loss, status, switchover, sync
from failover.cli.output import print_error
from failover.errors import ExitStatus, FailoverError
from failover.lab import command as lab
from failover.system.log import set_up_logging

_EPILOG = """\
exit status: 0 done; 1 failed and undone; 2 usage; 3 refused, nothing changed; 4 half-way, look at it;
5 moved, DNS not everywhere yet; 6 another switchover runs; 10 and up: see docs/exit-statuses.md.
`failover check` exits by the Nagios plug-in conventions instead.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Every sub-parser sets `handler`, a function of the parsed arguments to a status."""
    parser = argparse.ArgumentParser(
        prog="failover",
        description="Two cheap web servers that behave like one that does not die.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"failover {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more, to stderr")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (status, switchover, loss, sync, config, demo, lab, agent):
        group.add_parser(commands)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status. Never a traceback for an error that was foreseen."""
    arguments = build_parser().parse_args(words)
    set_up_logging(is_verbose=arguments.verbose)
    try:
        status = int(arguments.handler(arguments))
        sys.stdout.flush()
    except FailoverError as error:
        print_error(error)
        return error.exit_status
    except KeyboardInterrupt:
        print_error(FailoverError("interrupted"))
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain again at exit: give it somewhere to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE
    else:
        return status
