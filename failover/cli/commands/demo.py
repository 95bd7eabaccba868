"""`failover demo`: the main job, shown on a pair of real servers made for it on this machine, in under a minute."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from failover.cli.output import print_json
from failover.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from failover.lab.demo.play import Options
    from failover.lab.demo.verdict import DemoResult

_DESCRIPTION = """\
Makes a pair of servers on this machine (Linux namespaces, real MariaDB, BIND, sshd), lets visitors write to their
site, moves it with one command, cuts the new primary's power, moves it back, and compares what the visitors were
promised with what is there. Touches nothing outside the pair, and leaves nothing behind. Takes under a minute.
"""


def add_parser(commands: Any) -> None:
    """Add `demo`."""
    parser = commands.add_parser(
        "demo",
        help="show a switchover and a dead primary on a pair made for it on this machine",
        description=_DESCRIPTION,
        epilog="exit status: 0 if everything held; 1 if not; 14 if this machine allows no namespaces.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--visitors", type=int, default=4, metavar="N", help="how many visitors (default: 4)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        metavar="S",
        help="of load before and after each act (default: 3)",
    )
    parser.add_argument(
        "--name", metavar="NAME", help="name of the lab (default: demo-PID; with --keep: lab)"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the pair up afterwards and say how to look around"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object at the end")
    parser.set_defaults(handler=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    from failover.lab.demo.board import Board
    from failover.lab.demo.play import play, raise_lab
    from failover.lab.demo.view import open_view
    from failover.system.clock import SystemClock

    options = _options(arguments)
    _stop_once()
    clock = SystemClock()
    board = Board(lambda: clock.now().timestamp())
    with open_view(board), raise_lab(options, board) as lab:
        result = play(lab, options, board, clock)
    _print(result, is_json=arguments.json)
    if options.is_kept:
        _say_how_to_look(options, sys.stderr if arguments.json else sys.stdout)
    return ExitStatus.DONE if result.is_held else ExitStatus.FAILED


def _options(arguments: argparse.Namespace) -> Options:
    from failover.lab.demo.play import Options
    from failover.lab.lab import DEFAULT_NAME
    from failover.lab.state import check_name

    if not 1 <= arguments.visitors <= 50:
        raise UsageError("--visitors takes 1 to 50")
    if not 0 < arguments.seconds <= 600:
        raise UsageError("--seconds takes more than 0 and up to 600")
    # A lab that stays is the one that `failover lab` means without a name.
    name = arguments.name or (DEFAULT_NAME if arguments.keep else f"demo-{os.getpid()}")
    return Options(check_name(name), arguments.visitors, arguments.seconds, arguments.keep)


def _stop_once() -> None:
    """The first Ctrl-C (or SIGTERM, or a closed terminal) ends the demo; impatience must not cut its clearing up."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, stop)


def _print(result: DemoResult, *, is_json: bool) -> None:
    from rich.console import Console

    from failover.lab.demo.report import render

    if is_json:
        print_json(result.to_json())
        if sys.stderr.isatty():
            Console(stderr=True).print(render(result))
    else:
        Console().print(render(result))


def _say_how_to_look(options: Options, stream: TextIO) -> None:
    from failover.lab.demo.look_around import lines, text
    from failover.lab.demo.play import FIRST

    shown = lines(
        program=_this_program(),
        lab=options.name,
        primary=FIRST,
        has_curl=shutil.which("curl") is not None,
    )
    print(text(shown), file=stream)


def _this_program() -> str:
    """How this very failover is called from a shell: by its name if PATH leads to it, else by its path."""
    script = Path(sys.executable).with_name("failover")
    found = shutil.which("failover")
    if found is not None and Path(found).resolve() == script.resolve():
        return "failover"
    return shlex.quote(str(script)) if script.exists() else f"{shlex.quote(sys.executable)} -m failover"
