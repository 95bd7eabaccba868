"""Which node this is: the configuration is the same everywhere, so a host has to find itself in it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from failover.config.settings import Settings
from failover.errors import ExitStatus, FailoverError

NODE_VARIABLE = "FAILOVER_NODE"


def this_node(settings: Settings, *, environment: Mapping[str, str], hostname: str) -> str | None:
    """The name of this node, or None on a host that is neither (an operator's).

    $FAILOVER_NODE decides; without it the host's name up to its first dot.

    Raises:
        FailoverError: $FAILOVER_NODE names no node (ExitStatus.UNKNOWN_NODE).
    """
    named = environment.get(NODE_VARIABLE)
    if named:
        return _require(settings, named, f"{NODE_VARIABLE}: ")
    short = hostname.partition(".")[0].lower()
    return short if short in settings.nodes else None


def require_node(settings: Settings, name: str) -> str:
    """A name that a person typed, when it is a node's.

    Raises:
        FailoverError: it is not (ExitStatus.UNKNOWN_NODE); the hint has the nearest name, or both.
    """
    return _require(settings, name, "")


def _require(settings: Settings, name: str, prefix: str) -> str:
    if name in settings.nodes:
        return name
    near = difflib.get_close_matches(name.lower(), settings.nodes, n=1)
    known = " and ".join(settings.nodes)
    raise FailoverError(
        f"{prefix}there is no node {name!r}",
        hint=f"did you mean {near[0]}?" if near else f"the nodes are {known}",
        exit_status=ExitStatus.UNKNOWN_NODE,
    )
