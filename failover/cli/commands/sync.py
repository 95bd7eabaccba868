"""`failover sync`, `failover receive`, `failover wait`: the mirror's daemon, its gate, and waiting until it is in sync."""

from __future__ import annotations

import argparse
import os
import socket
from typing import TYPE_CHECKING, Any

from failover.cli.options import add_config_option, settings_from
from failover.errors import ExitStatus, MirrorError

if TYPE_CHECKING:
    from failover.config.settings import Settings


def add_parser(commands: Any) -> None:
    """Add the three commands to the command line (`commands` is what add_subparsers() returned)."""
    sync = commands.add_parser(
        "sync",
        help="run the mirror's daemon",
        description="Keep the mirrors equal on the standby. Pushes only while this node is primary.",
    )
    add_config_option(sync)
    sync.add_argument("--once", action="store_true", help="make everything equal once, then exit")
    sync.add_argument(
        "--timeout", type=float, default=86400.0, metavar="SECONDS", help="limit for --once (default: a day)"
    )
    sync.set_defaults(handler=_sync)

    receive = commands.add_parser(
        "receive",
        help="the receiving side, started by sshd as the forced command of the pair's key",
        description="Let in exactly what the pair's key may do. $SSH_ORIGINAL_COMMAND decides if it is set.",
        prefix_chars="\0",  # no word of the remote command is an option of ours
        add_help=False,
    )
    # Everything after the word belongs to the gate, which compares words itself; only $FAILOVER_CONFIG is read.
    receive.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    receive.set_defaults(handler=_receive, config=None)

    wait = commands.add_parser(
        "wait",
        help="wait until the standby has everything",
        description="Wait until every change made before this call is on the standby, durably.",
    )
    add_config_option(wait)
    wait.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="give up after (default: 60)"
    )
    wait.add_argument("--json", action="store_true", help="print the checkpoints as JSON")
    wait.set_defaults(handler=_wait)


def _sync(arguments: argparse.Namespace) -> int:
    from failover.daemon.sync_daemon import SyncDaemon
    from failover.system.clock import SystemClock
    from failover.system.runner import LocalRunner

    settings = settings_from(arguments)
    node = _this_node(settings)
    if arguments.once:
        from failover.daemon.sync_once import sync_once

        sync_once(settings, node, clock=SystemClock(), timeout_seconds=arguments.timeout)
        return ExitStatus.DONE
    return SyncDaemon(node, lambda: settings_from(arguments), clock=SystemClock(), runner=LocalRunner()).run()


def _receive(arguments: argparse.Namespace) -> int:
    from failover.sync.receive import receive
    from failover.system.clock import SystemClock

    settings = settings_from(arguments)

    def run_agent() -> int:
        from failover.wiring import serve_agent

        serve_agent(settings)
        return ExitStatus.DONE

    return receive(
        settings,
        environment=os.environ,
        arguments=arguments.words,
        clock=SystemClock(),
        run_agent=run_agent,
    )


def _wait(arguments: argparse.Namespace) -> int:
    from failover.cli.output import print_json
    from failover.sync.control import SOCKET_NAME, SyncControl

    settings = settings_from(arguments)
    checkpoints = SyncControl(settings.paths.runtime / SOCKET_NAME).drain(arguments.timeout)
    if arguments.json:
        print_json(
            [
                {"mirror": one.mirror, "epoch": one.epoch, "source_time": one.source_time}
                for one in checkpoints
            ]
        )
    else:
        for one in checkpoints:
            print(f"{one.mirror}: the standby has everything up to {one.source_time:%Y-%m-%d %H:%M:%S} UTC")
    return ExitStatus.DONE


def _this_node(settings: Settings) -> str:
    from failover.config.this_node import this_node

    node = this_node(settings, environment=os.environ, hostname=socket.gethostname())
    if node is None:
        raise MirrorError(
            "this host is neither of the two nodes",
            hint="set FAILOVER_NODE, or name the node as the host is called",
            exit_status=ExitStatus.UNKNOWN_NODE,
        )
    return node
