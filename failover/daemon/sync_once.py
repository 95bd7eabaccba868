"""`failover sync --once`: everything equal once, with the same brakes and the same gate as the daemon."""

from __future__ import annotations

import os

from failover.config.settings import Settings
from failover.daemon.mirrors import Mirrors
from failover.errors import ExitStatus, MirrorError
from failover.model.role import Role
from failover.sync.checkpoint import Checkpoint
from failover.system.clock import Clock
from failover.system.lock import FileLock
from failover.system.node_state import read_node_state


def sync_once(
    settings: Settings, node: str, *, clock: Clock, timeout_seconds: float
) -> tuple[Checkpoint, ...]:
    """Make every mirror equal once; one checkpoint a mirror.

    Raises:
        MirrorError: the daemon runs, this node is not primary, or it could not be done in time.
    """
    state = read_node_state(settings.paths.state)
    if state is None or state.node != node or state.role is not Role.PRIMARY:
        raise MirrorError(f"{node} is not primary, it pushes nothing", exit_status=ExitStatus.REFUSED)
    with FileLock(settings.paths.runtime / "sync.lock") as lock:
        holder = lock.acquire(f"pid {os.getpid()}")
        if holder is not None:
            raise MirrorError(f"the sync daemon runs here ({holder})", hint="failover wait")
        mirrors = Mirrors(settings, clock=clock, on_change=lambda _: None)
        mirrors.take_role(state)
        try:
            return mirrors.drain(timeout_seconds)
        finally:
            mirrors.stop()
