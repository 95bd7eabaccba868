"""The standby's end of a mirror: takes announcements and checkpoints down, on the pipe that sshd gave it."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from failover.config.settings import Settings
from failover.model.role import NodeState
from failover.sync.announced import AnnouncedLog
from failover.sync.checkpoint import Checkpoint, keep_checkpoint, mirror_directory
from failover.sync.gate import RunStreamAgent, why_refuse
from failover.sync.protocol import (
    MAGIC,
    Announce,
    Bye,
    CheckpointKept,
    Confirmed,
    Decoder,
    Hello,
    KeepCheckpoint,
    Message,
    Ping,
    Pong,
    ProtocolError,
    Refused,
    Sent,
    Welcome,
    encode,
)
from failover.system.clock import Clock
from failover.system.file_system import boot_id
from failover.system.take_over import take_over

log = logging.getLogger(__name__)

IDLE_SECONDS = 45.0
"""The primary pings more often than this; silence means that the connection is dead and nobody said so."""
_CHUNK_BYTES = 65536


class MirrorAgent:
    """Serves one connection. The role is looked at again with every message: a promotion ends it at once."""

    def __init__(
        self,
        task: RunStreamAgent,
        settings: Settings,
        *,
        clock: Clock,
        read_state: Callable[[], NodeState | None],
        input_descriptor: int = 0,
        output_descriptor: int = 1,
    ) -> None:
        self._task = task
        self._settings = settings
        self._clock = clock
        self._read_state = read_state
        self._input = input_descriptor
        self._output = output_descriptor
        self._state_directory = settings.paths.state
        self._log: AnnouncedLog | None = None

    def serve(self) -> None:
        """Until the primary says bye, goes away, or may not push any more.

        Raises:
            ProtocolError: the other end does not speak the protocol. DeadlineError: an older agent does not end.
        """
        lock = take_over(agent_lock(self._state_directory, self._task.mirror), clock=self._clock)
        try:
            self._write(MAGIC)
            decoder = Decoder()
            while data := self._receive():
                for message in decoder.feed(data):
                    if not self._answer(message):
                        return
        except BrokenPipeError:
            return
        finally:
            if self._log is not None:
                self._log.close()
            os.close(lock)

    def _receive(self) -> bytes:
        ready, _, _ = select.select([self._input], [], [], IDLE_SECONDS)
        return os.read(self._input, _CHUNK_BYTES) if ready else b""

    def _answer(self, message: Message) -> bool:
        """Act on a message; False ends the connection."""
        if isinstance(message, Bye):
            return False
        reason = why_refuse(
            self._task.mirror, self._task.epoch, self._task.primary, self._settings, self._read_state()
        )
        if reason is not None:
            self._send(Refused(reason))
            return False
        if self._log is None:
            return self._greet(message)
        match message:
            case Announce(sequence, paths, subtrees):
                self._log.announce(sequence, paths, subtrees)
            case Sent(sequence, paths, subtrees):
                self._log.sent(sequence, paths, subtrees)
                self._send(Confirmed(sequence))
            case KeepCheckpoint(source_time):
                return self._keep(source_time)
            case Ping(number):
                self._send(Pong(number))
            case _:
                raise ProtocolError(f"{message.WORD} is not for this side, or not now")
        return True

    def _greet(self, message: Message) -> bool:
        if not isinstance(message, Hello):
            raise ProtocolError("the first message must be hello")
        if (message.mirror, message.epoch, message.node) != (
            self._task.mirror,
            self._task.epoch,
            self._task.primary,
        ):
            self._send(Refused("hello says something else than the command did"))
            return False
        root = self._settings.mirrors[self._task.mirror].path
        if not root.is_dir():
            self._send(Refused(f"{root} is not there"))
            return False
        self._log = AnnouncedLog(self._state_directory, self._task.mirror)
        state = self._read_state()
        self._send(Welcome(state.node if state else "", self._task.epoch, boot_id()))
        return True

    def _keep(self, source_time: str) -> bool:
        try:
            moment = datetime.fromisoformat(source_time)
        except ValueError:
            raise ProtocolError("a checkpoint without a time") from None
        if moment.tzinfo is None:
            raise ProtocolError("a checkpoint without a time zone")
        checkpoint = Checkpoint(self._task.mirror, self._task.epoch, moment, self._clock.now())
        try:
            keep_checkpoint(self._state_directory, self._settings.mirrors[self._task.mirror].path, checkpoint)
        except OSError as error:
            # Not kept, so not answered: the primary must not count on it, and learns why on stderr.
            log.error("checkpoint not kept mirror=%s: %s", self._task.mirror, error.strerror)
            return False
        self._send(CheckpointKept(source_time))
        return True

    def _send(self, message: Message) -> None:
        self._write(encode(message))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]


def agent_lock(state_directory: Path, mirror: str) -> Path:
    """Held by the one agent that serves a mirror."""
    return mirror_directory(state_directory, mirror) / "agent.lock"


def receiving_lock(state_directory: Path, mirror: str) -> Path:
    """Held by the one rsync that receives a mirror, through its exec."""
    return mirror_directory(state_directory, mirror) / "receiving.lock"


def stop_receiving(state_directory: Path, mirror: str, *, clock: Clock) -> None:
    """End whatever still receives this mirror, at once. For a promotion, after the new node state is written.

    Raises:
        DeadlineError: one of them cannot be ended.
    """
    for path in (agent_lock(state_directory, mirror), receiving_lock(state_directory, mirror)):
        os.close(take_over(path, clock=clock, patience_seconds=0.0))
