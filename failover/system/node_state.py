"""What a node knows of its role, on its own disk: `<state>/node.json`."""

from __future__ import annotations

import json
from pathlib import Path

from failover.errors import ExitStatus, FailoverError
from failover.model.role import NodeState
from failover.system.files import replace_file

_FILE = "node.json"


def read_node_state(state_directory: Path) -> NodeState | None:
    """The node's state; None if it has never been given one (then the node has no role and does nothing).

    Raises:
        FailoverError: the file is there and makes no sense. A role is never guessed.
    """
    path = state_directory / _FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    try:
        fields = json.loads(content)
        node, epoch, primary = fields["node"], fields["epoch"], fields["primary"]
    except (ValueError, KeyError, TypeError):
        raise _unreadable(path, "it is not a node state") from None
    if not (isinstance(node, str) and isinstance(primary, str) and type(epoch) is int and epoch >= 1):
        raise _unreadable(path, "a field has the wrong type")
    return NodeState(node=node, epoch=epoch, primary=primary)


def write_node_state(state_directory: Path, state: NodeState) -> None:
    """Keep the state: when this returns, it survives a power cut."""
    state_directory.mkdir(parents=True, exist_ok=True)
    fields = {"node": state.node, "epoch": state.epoch, "primary": state.primary}
    replace_file(state_directory / _FILE, json.dumps(fields).encode() + b"\n", mode=0o644)


def _unreadable(path: Path, reason: str) -> FailoverError:
    return FailoverError(
        f"cannot tell this node's role from {path}: {reason}",
        hint="compare with the other node and the register, then: failover rejoin",
        exit_status=ExitStatus.ROLE_UNKNOWN,
    )
