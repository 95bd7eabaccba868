"""The primary's end of the agent channel: one `failover receive` over ssh, spoken to in messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from failover.errors import DeadlineError, UnreachableError
from failover.sync.dirty import Entry
from failover.sync.protocol import (
    MAGIC,
    PATHS_A_FRAME,
    Announce,
    Bye,
    Confirmed,
    Decoder,
    Hello,
    Message,
    Ping,
    Pong,
    ProtocolError,
    Sent,
    Welcome,
    encode,
)
from failover.sync.rsync import Push
from failover.system.clock import Clock
from failover.system.process import PipeProcess

_WRITE_SECONDS = 15.0
_GREETING_SECONDS = 20.0
_PING_SECONDS = 15.0
_SILENCE_SECONDS = 180.0
"""A standby that makes a checkpoint durable is silent meanwhile; ssh itself notices a dead network much earlier."""


class AgentLink:
    """One connection. Every failure is an UnreachableError; the link is then of no more use and must be closed."""

    def __init__(self, push: Push, *, clock: Clock) -> None:
        self._clock = clock
        self._process = PipeProcess(push.agent_argv(), clock=clock)
        self._decoder = Decoder()
        self._opened = self._heard = self._pinged = clock.monotonic()
        self._sequence = 0
        self._unconfirmed = 0
        self._pings = 0
        self.is_welcome = False
        try:
            self._write(MAGIC + encode(Hello(push.mirror, push.epoch, push.node)))
        except UnreachableError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable when the standby said something."""
        return self._process.fileno()

    @property
    def is_confirmed(self) -> bool:
        """Whether everything reported as sent has been acknowledged."""
        return self._unconfirmed == 0

    def announce(self, entries: Iterable[Entry]) -> None:
        """Tell the standby what may differ from now on."""
        for paths, subtrees in _frames(entries):
            self._sequence += 1
            self._write(encode(Announce(self._sequence, paths, subtrees)))

    @property
    def sequence(self) -> int:
        """The last announcement's number: what a batch taken now is at least as new as."""
        return self._sequence

    def sent(self, entries: Iterable[Entry], sequence: int) -> None:
        """Tell the standby what has arrived, at least as new as announcement `sequence`."""
        for paths, subtrees in _frames(entries):
            self._write(encode(Sent(sequence, paths, subtrees)))
            self._unconfirmed += 1

    def send(self, message: Message) -> None:
        """Any other message."""
        self._write(encode(message))

    def read(self) -> Sequence[Message]:
        """What has come, without waiting; confirmations and pongs are taken note of here and left out."""
        try:
            data = self._process.read_some(timeout_seconds=0)
        except DeadlineError:
            return ()
        try:
            messages = self._decoder.feed(data)
        except ProtocolError as error:
            raise UnreachableError(error.message, hint=error.hint) from None
        self._heard = self._clock.monotonic()
        others: list[Message] = []
        for message in messages:
            match message:
                case Confirmed():
                    self._unconfirmed = max(0, self._unconfirmed - 1)
                case Pong():
                    pass
                case Welcome():
                    self.is_welcome = True
                    others.append(message)
                case _:
                    others.append(message)
        return others

    def tend(self, now: float) -> None:
        """Ping when it is time to, and notice a standby that has gone silent."""
        if not self.is_welcome:
            if now - self._opened > _GREETING_SECONDS:
                raise UnreachableError(self._process.said or "the standby's agent does not answer")
            return
        if now - self._heard > _SILENCE_SECONDS:
            raise UnreachableError("the standby's agent has gone silent")
        if now - self._pinged >= _PING_SECONDS:
            self._pings += 1
            self._pinged = now
            self.send(Ping(self._pings))

    @property
    def next_due(self) -> float:
        """When `tend` will have something to do."""
        if not self.is_welcome:
            return self._opened + _GREETING_SECONDS
        return self._pinged + _PING_SECONDS

    def close(self) -> None:
        """Say bye if anybody still listens, and end ssh."""
        try:
            self._process.write(encode(Bye()), timeout_seconds=0)
        except (UnreachableError, DeadlineError, OSError):
            pass
        self._process.close(grace_seconds=0.3)

    def _write(self, data: bytes) -> None:
        try:
            self._process.write(data, timeout_seconds=_WRITE_SECONDS)
        except DeadlineError as error:
            raise UnreachableError(error.message) from None


def _frames(entries: Iterable[Entry]) -> Iterable[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    """The entries in portions that fit into a frame: paths and subtrees."""
    ordered = list(entries)
    for start in range(0, len(ordered), PATHS_A_FRAME):
        portion = ordered[start : start + PATHS_A_FRAME]
        yield (
            tuple(entry.path for entry in portion if not entry.is_subtree),
            tuple(entry.path for entry in portion if entry.is_subtree),
        )
