"""`failover agent`: this node's side of an operator's session."""

from __future__ import annotations

import argparse
from typing import Any

from failover.cli.options import add_config_option, settings_from


def add_parser(commands: Any) -> None:
    """Add `agent`."""
    parser = commands.add_parser(
        "agent",
        help="answer an operator's session on this node (started over ssh)",
        description="Answers the orders of one operator's session on stdin and stdout, one JSON line each. The other "
        "commands start it, over ssh or on this node itself; there is no need to start it by hand.",
    )
    add_config_option(parser)
    parser.set_defaults(handler=_run)


def _run(arguments: argparse.Namespace) -> int:
    from failover.wiring import serve_agent

    serve_agent(settings_from(arguments))
    return 0
