"""The demo from beginning to end: the lab, the acts in their order, and nothing left afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from failover.errors import FailoverError
from failover.lab.demo import story
from failover.lab.demo.board import Board
from failover.lab.demo.crowd import Crowd
from failover.lab.demo.orders import Operator
from failover.lab.demo.process import Process
from failover.lab.demo.verdict import DeadAct, DemoResult, PlannedAct
from failover.lab.demo.watch import StatusWatch
from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.lab.pair import provision, start_daemons
from failover.lab.topology import NAME_SERVERS, WEB, place_of
from failover.system.clock import Clock

FIRST, SECOND = WEB
SEED = {
    "about.html": "<h1>About</h1><p>A site of two servers.</p>\n",
    "prices.html": "<h1>Prices</h1><p>Less than one hour of it being away.</p>\n",
    "uploads/welcome.txt": "Files that visitors upload end up here.\n",
}
"""What the site has before the first visitor comes, below /var/www/site."""
_INIT_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen. `load_seconds` is how long visitors write before and after each change."""

    name: str
    visitors: int
    load_seconds: float
    is_kept: bool


@contextmanager
def raise_lab(options: Options, board: Board) -> Iterator[Lab]:
    """A pair without roles, in a lab that goes down at the end, or stays if it shall and nothing was raised.

    Raises:
        LabError: the lab cannot be made on this machine, or a server in it did not come up.
    """
    with ExitStack() as stack:
        board.begin_act("the lab comes up: two web servers, two name servers, an operator")
        lab = Lab.up(options.name, is_owned=not options.is_kept)
        stack.callback(lab.down)
        board.note("MariaDB with replication, BIND, sshd and the site are set up")
        provision(lab)
        for name, content in SEED.items():
            lab.host(FIRST).write(f"/var/www/site/{name}", content.encode())
        yield lab
        if options.is_kept:
            # The last check has ended it; whoever looks around should find it.
            start_daemons([lab.host(SECOND)], "sync")
            stack.pop_all()


def play(lab: Lab, options: Options, board: Board, clock: Clock) -> DemoResult:
    """All acts on a lab that is up. What stops the story is in the result, not raised."""
    planned: PlannedAct | None = None
    dead: DeadAct | None = None
    error: FailoverError | None = None
    try:
        with _stage(lab, options, board, clock) as stage:
            story.open_the_doors(stage, primary=FIRST)
            planned = story.switch_over(stage, old=FIRST, new=SECOND)
            story.await_standby(stage, primary=SECOND, standby=FIRST)
            run, cut_at = story.lose_primary(stage, dead=SECOND, new=FIRST)
            fencing = story.come_back(stage, returned=SECOND)
            dead = story.settle(stage, run, dead=SECOND, new=FIRST, cut_at=cut_at, fencing=fencing)
    except FailoverError as caught:
        error = caught
    seconds = board.scene().seconds
    return DemoResult(planned, dead, seconds, None if error is None else error.message)


@contextmanager
def _stage(lab: Lab, options: Options, board: Board, clock: Clock) -> Iterator[story.Stage]:
    """The stage with its visitors at work and the status watched; both end with it."""
    host = lab.host("operator")
    operator = Operator(lambda argv: _start_command(host, argv), clock=clock)
    _raise_pair(lab, operator, board)
    with ExitStack() as stack:
        watch = stack.enter_context(StatusWatch(operator, board))
        argvs = [visitor_argv(f"v{number}") for number in range(1, options.visitors + 1)]
        crowd = stack.enter_context(Crowd(lambda argv: _start_visitor(host, argv), argvs, board.enter))
        yield story.Stage(lab, operator, board, watch, crowd, clock, options.load_seconds)


def _raise_pair(lab: Lab, operator: Operator, board: Board) -> None:
    board.begin_act("the pair gets its roles")
    init = ("failover", "init", "--primary", FIRST, "--yes")
    board.note(f"$ {' '.join(init)}")
    operator.do(init, timeout_seconds=_INIT_LIMIT_SECONDS)
    start_daemons([lab.host(name) for name in WEB], "sync")


def visitor_argv(name: str) -> Sequence[str]:
    """How a visitor's process is started."""
    servers = [word for server in NAME_SERVERS for word in ("--name-server", place_of(server).address)]
    return (sys.executable, "-m", "failover.lab.demo.visit", name, "--host", story.SITE, *servers)


def _start_command(host: Host, argv: Sequence[str]) -> Process:
    pipe = subprocess.PIPE
    return host.popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)


def _start_visitor(host: Host, argv: Sequence[str]) -> Process:
    return host.popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
