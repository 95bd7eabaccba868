"""What carries a mirror's backlog to the standby: the agent channel, the lane and the checkpoints. One batch at a time.

Announce, send, say sent, ask for a checkpoint. Another lane fits in beside `bulk` where a batch is started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from failover.errors import UnreachableError
from failover.sync.backlog import Backlog
from failover.sync.backoff import Backoff
from failover.sync.bulk import BulkLane, Delivery
from failover.sync.dirty import Entry
from failover.sync.link import AgentLink
from failover.sync.progress import CheckpointProgress
from failover.sync.protocol import CheckpointKept, KeepCheckpoint, Refused, Welcome
from failover.sync.rsync import Outcome, Push
from failover.system.clock import Clock

_REFUSAL = "refused: "
"""What the gate's complaint and the agent's have in common, in front of the reason."""


class Courier:
    """Belongs to the engine's thread. An UnreachableError from any method means: call `lose`."""

    def __init__(self, push: Push, backlog: Backlog, *, clock: Clock) -> None:
        self._push = push
        self._backlog = backlog
        self._clock = clock
        self._lane = BulkLane(push, clock=clock)
        self._link: AgentLink | None = None
        self._backoff = Backoff()
        self._file_backoff = Backoff(first_seconds=1.0, longest_seconds=300.0)
        self._retry_at = 0.0
        self._batch_sequence = 0
        self._peer_boot: str | None = None
        self.checkpoints = CheckpointProgress()
        self.refused: str | None = None
        """Why the standby does not let us in; None if it does, or has not been asked."""
        self.refusals = 0
        """How often it has said so."""
        self.error: str | None = None
        """The last thing that went wrong and has not been put right since."""

    @property
    def is_welcome(self) -> bool:
        """Whether the standby is connected and takes our changes."""
        return self._link is not None and self._link.is_welcome

    @property
    def is_busy(self) -> bool:
        """Whether a batch is under way."""
        return self._lane.is_busy

    @property
    def is_confirmed(self) -> bool:
        """Whether the standby has acknowledged all that was sent."""
        return self._link is not None and self._link.is_confirmed

    @property
    def has_met_peer(self) -> bool:
        """Whether a connection ever succeeded or failed: before that, nothing is known."""
        return self._peer_boot is not None or self._backoff.failures > 0

    def descriptors(self) -> list[int]:
        """What to wait on."""
        found = [self._lane.fileno(), None if self._link is None else self._link.fileno()]
        return [descriptor for descriptor in found if descriptor is not None]

    def moments(self) -> list[float | None]:
        """When something is to be done without a descriptor speaking up."""
        if self._link is None:
            return [self._retry_at]
        if not self.is_welcome:
            return [self._link.next_due]
        return [
            self._link.next_due,
            None if self._lane.is_busy else self._backlog.next_due,
            None if self._backlog.waiting else self.checkpoints.next_due,
        ]

    def hurry(self) -> None:
        """Try a standby that is away soon."""
        self._retry_at = min(self._retry_at, self._clock.monotonic() + 0.1)

    def keep_link(self) -> None:
        """Connect when it is time to; look after the connection otherwise."""
        now = self._clock.monotonic()
        if self._link is not None:
            self._link.tend(now)
        elif now >= self._retry_at:
            self._link = AgentLink(self._push, clock=self._clock)

    def listen(self) -> list[str]:
        """Take what the standby said; the source times of checkpoints that are now kept."""
        kept = []
        while self._link is not None and (messages := self._link.read()):
            for message in messages:
                match message:
                    case Welcome(_, _, boot):
                        self._greeted(boot)
                    case CheckpointKept(source_time):
                        self.checkpoints.kept_now(source_time)
                        kept.append(source_time)
                    case Refused(reason):
                        raise UnreachableError(f"{_REFUSAL}{reason}")
                    case _:
                        raise UnreachableError("the standby's agent said something out of place")
        return kept

    def announce(self, entries: Sequence[Entry]) -> None:
        """Tell the standby what may differ; without a connection it will be told when there is one."""
        if self._link is not None and self._link.is_welcome and entries:
            self._link.announce(entries)

    def start_batch(self, why_halt: Callable[[], str | None]) -> str | None:
        """Send the next batch if there is one and the way is free. `why_halt` is asked first; its answer if not None."""
        now = self._clock.monotonic()
        if self._link is None or not self._link.is_welcome or self._lane.is_busy:
            return None
        if not self._backlog.is_ready(now):
            return None
        reason = why_halt()
        if reason is None:
            entries = self._backlog.take(now)
            self._batch_sequence = self._link.sequence
            self._lane.start(entries)
            self.finish_batch()
        return reason

    def finish_batch(self) -> None:
        """If the batch under way has ended, draw the consequences."""
        delivery = self._lane.finished() if self._lane.is_busy else None
        if delivery is None:
            return
        now = self._clock.monotonic()
        match delivery.outcome:
            case Outcome.DONE:
                self._arrived(delivery, now)
            case Outcome.PARTIAL | Outcome.FAILED:
                # Once may be a file that vanished between the look at it and its transfer: daily work, not news.
                if delivery.outcome is Outcome.FAILED or self._file_backoff.failures:
                    self.error = delivery.error
                self._backlog.park(now + self._file_backoff.failed())
            case Outcome.UNREACHABLE:
                self._backlog.give_back()
                raise UnreachableError(delivery.error or "rsync failed")

    def ask_checkpoint(self, read_watch: Callable[[], None], *, is_hurried: bool) -> datetime | None:
        """Ask for a checkpoint if one is due, as of the moment up to which everything has been sent.

        That moment; None if nothing was asked for.
        """
        now = self._clock.monotonic()
        if not self.is_welcome or not self.checkpoints.is_due(now, is_hurried=is_hurried):
            return None
        moment = self._clock.now()
        read_watch()
        covered = self._backlog.covered_until(now)
        if covered is None or self._link is None:
            return None
        moment -= timedelta(seconds=max(0.0, now - covered))
        if not self.checkpoints.ask(moment, now, is_complete=not self._backlog.waiting):
            return None
        self._link.send(KeepCheckpoint(moment.isoformat()))
        return moment

    def lose(self, reason: str) -> None:
        """Give the connection up and try again after a pause."""
        self.close()
        self.error = reason
        self.refused = reason.partition(_REFUSAL)[2] or None
        self.refusals += self.refused is not None
        self._retry_at = self._clock.monotonic() + self._backoff.failed()

    def close(self) -> None:
        """Stop everything; what was under way is dirty again."""
        self._lane.stop()
        self._backlog.give_back()
        if self._link is not None:
            self._link.close()
            self._link = None
        self.checkpoints.lost()

    def _greeted(self, boot: str) -> None:
        self.refused = self.error = None
        if not self._backlog.waiting:
            self._backoff.succeeded()
        if self._peer_boot is not None and boot != self._peer_boot:
            # What a crash of the standby took with it, only a full pass can find.
            self._backlog.add_everything(self._clock.monotonic())
        self._peer_boot = boot
        self.announce(list(self._backlog))

    def _arrived(self, delivery: Delivery, now: float) -> None:
        entries = self._backlog.arrived()
        if delivery.half_linked:
            self._backlog.owe_full_pass(now)
            self.announce([Entry(b"", True, now)])
        if self._link is not None:
            self._link.sent(entries, self._batch_sequence)
        self.checkpoints.is_wanted = True
        self._backoff.succeeded()
        if not self._backlog.has_parked:
            self._file_backoff.succeeded()
            self.error = None
