"""The mirrors' engines of one node, started and stopped as its role says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from failover.config.settings import Settings
from failover.errors import MirrorError
from failover.model.role import NodeState, Role
from failover.sync.checkpoint import Checkpoint
from failover.sync.rsync import Push
from failover.sync.rules import Excludes
from failover.sync.service import MirrorEngine, MirrorJob
from failover.sync.status import MirrorState, MirrorStatus
from failover.system.clock import Clock
from failover.system.remote import SshTarget


class Mirrors:
    """All mirrors of this node. Engines run only while it is primary; the role comes with `take_role`.

    `take_role` and `stop` must not be called by two threads at once; everything else may.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock, on_change: Callable[[MirrorStatus], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._state: NodeState | None = None
        self._engines: dict[str, MirrorEngine] = {}
        self._since = clock.now().isoformat()

    @property
    def state(self) -> NodeState | None:
        """The role and epoch they act on."""
        return self._state

    def take_role(self, state: NodeState | None) -> None:
        """Act on this role: the same one again takes a stop of pushing back, another one starts everything anew."""
        if state is not None and state == self._state:
            for engine in self._engines.values():
                engine.push_again()
            return
        self.stop()
        self._state = state
        self._since = self._clock.now().isoformat()
        if state is None or state.role is not Role.PRIMARY:
            return
        engines = {
            name: MirrorEngine(
                mirror_job(self._settings, name, state), clock=self._clock, on_change=self._on_change
            )
            for name in sorted(self._settings.mirrors)
        }
        for engine in engines.values():
            engine.start()
        self._engines = engines

    def stop(self) -> None:
        """End all engines."""
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            engine.stop()

    def stop_pushing(self) -> None:
        """Send nothing more, in any mirror."""
        for engine in self._engines.values():
            engine.stop_pushing()

    def resume(self, name: str | None) -> None:
        """Let a halted mirror, or all, go on. Raises MirrorError for an unknown name."""
        if name is not None and name not in self._engines:
            raise MirrorError(f"this node pushes no mirror {name!r}")
        for mirror, engine in self._engines.items():
            if name in {None, mirror}:
                engine.resume()

    def drain(self, timeout_seconds: float) -> tuple[Checkpoint, ...]:
        """One checkpoint a mirror, all of them at the same time. Raises MirrorError if one of them fails."""
        if not self._engines:
            raise MirrorError("this node is not primary, it has nothing to drain")
        futures: list[Future[Checkpoint]] = [
            engine.drain(timeout_seconds) for engine in self._engines.values()
        ]
        checkpoints = []
        for future in futures:
            try:
                checkpoints.append(future.result(timeout_seconds + 2))
            except TimeoutError:
                raise MirrorError("a mirror does not answer") from None
        return tuple(checkpoints)

    def statuses(self) -> tuple[MirrorStatus, ...]:
        """How each mirror is, sorted by name."""
        if self._engines:
            return tuple(engine.status for engine in self._engines.values())
        is_standby = self._state is not None and self._state.role is Role.STANDBY
        state = MirrorState.STANDBY if is_standby else MirrorState.STOPPED
        error = "this node has no role yet" if self._state is None else None
        return tuple(
            MirrorStatus(name, state, self._since, last_error=error)
            for name in sorted(self._settings.mirrors)
        )


def mirror_job(settings: Settings, mirror: str, state: NodeState) -> MirrorJob:
    """What the engine of a mirror is to do on this node, which is primary."""
    peer = settings.nodes[settings.peer_of(state.node)]
    configured = settings.mirrors[mirror]
    ssh = SshTarget(
        host=peer.address,
        user=peer.ssh_user,
        port=peer.ssh_port,
        key=settings.ssh.key,
        known_hosts=settings.ssh.known_hosts,
        connect_timeout_seconds=settings.ssh.connect_timeout_seconds,
        control_path=settings.paths.runtime / "ssh.sock",
    )
    push = Push(
        mirror=mirror,
        root=configured.path,
        excludes=Excludes(configured.exclude),
        deletes=configured.delete,
        epoch=state.epoch,
        node=state.node,
        ssh=ssh,
    )
    return MirrorJob(push, settings.paths.state, configured.batch_seconds)
