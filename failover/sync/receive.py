"""`failover receive`: the gate's decision carried out. Everything it refuses goes to stderr."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from failover.config.settings import Settings
from failover.errors import ExitStatus, MirrorError
from failover.model.role import NodeState
from failover.sync.agent import MirrorAgent, receiving_lock
from failover.sync.gate import Refuse, RunAgent, RunRsync, RunStreamAgent, decide, remote_words
from failover.system.child import become
from failover.system.clock import Clock
from failover.system.node_state import read_node_state
from failover.system.take_over import take_over


def receive(
    settings: Settings,
    *,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    clock: Clock,
    run_agent: Callable[[], int] | None = None,
) -> int:
    """Do what the remote command asks for, if it may; the exit status.

    `run_agent` is the node agent, which the gate only recognises.

    Raises:
        MirrorError: refused (exit status REFUSED), with the reason.
    """

    def state() -> NodeState | None:
        return read_node_state(settings.paths.state)

    match decide(remote_words(environment, arguments), settings, state()):
        case RunStreamAgent() as task:
            MirrorAgent(task, settings, clock=clock, read_state=state).serve()
        case RunRsync(mirror, argv):
            lock = take_over(receiving_lock(settings.paths.state, mirror), clock=clock)
            os.set_inheritable(lock, True)
            become(argv)
        case RunAgent() if run_agent is not None:
            return run_agent()
        case Refuse(reason):
            raise _refused(reason)
        case _:
            raise _refused("this node has no agent")
    return ExitStatus.DONE


def _refused(reason: str) -> MirrorError:
    return MirrorError(f"refused: {reason}", exit_status=ExitStatus.REFUSED)
