"""One mirror at work on the primary: watch → backlog → courier.

One thread, one loop, driven by descriptors: the watcher, the agent channel, the running rsync and a bell for orders.
An idle mirror sleeps until one of them speaks or a ping is due.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from failover.errors import FailoverError, MirrorError, UnreachableError
from failover.sync.backlog import Backlog
from failover.sync.checkpoint import Checkpoint, mirror_directory
from failover.sync.courier import Courier
from failover.sync.drain import Drain
from failover.sync.report import Reporter
from failover.sync.rsync import Push
from failover.sync.source import Source
from failover.sync.status import MirrorState, MirrorStatus
from failover.sync.watch.inotify import InotifyWatcher
from failover.sync.watch.interface import Hint, HintKind, Watcher
from failover.system.clock import Clock

log = logging.getLogger(__name__)

_LOOK_SECONDS = 15.0
"""How often the source's root is looked at although nothing is to be sent."""
_BLIND_PASS_SECONDS = 300.0
"""How often everything is compared while the watcher cannot see everything."""
_RESTART_SECONDS = 5.0

Order: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True)
class MirrorJob:
    """What one mirror is to do."""

    push: Push
    state_directory: Path
    batch_seconds: float


class MirrorEngine:
    """Pushes one mirror until it is told to stop. The public methods may be called from any thread."""

    def __init__(
        self,
        job: MirrorJob,
        *,
        clock: Clock,
        on_change: Callable[[MirrorStatus], None] = lambda _: None,
        make_watcher: Callable[[], Watcher] = InotifyWatcher,
    ) -> None:
        self._job = job
        self._push = job.push
        self._clock = clock
        self._make_watcher = make_watcher
        directory = mirror_directory(job.state_directory, job.push.mirror)
        self._source = Source(job.push.root, job.push.excludes, directory / "source.json")
        self._backlog = Backlog()
        self._courier = Courier(job.push, self._backlog, clock=clock)
        self._reporter = Reporter(job.push.mirror, clock=clock, on_change=on_change)
        self._watcher: Watcher | None = None
        self._restart_at = 0.0
        self._read_at = clock.monotonic()
        self._read_again_at = 0.0
        self._blind_pass_at = 0.0
        self._look_at = 0.0
        self._fault: str | None = None
        self._halted: str | None = None
        self._is_pushing = True
        self._is_stopping = False
        self._drain: Drain | None = None
        self._refusals_before = 0
        self._orders: list[Order] = []
        self._lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name=f"mirror {job.push.mirror}", daemon=True)

    # what others may ask

    @property
    def status(self) -> MirrorStatus:
        """How the mirror is; ages are as of now."""
        return self._reporter.status

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End quickly: running rsyncs are killed, what was not sent stays announced."""
        if self._thread.is_alive():
            self._order(self._stop)
            self._thread.join()

    def stop_pushing(self) -> None:
        """Send nothing more from now on; changes are still collected. Returns when nothing runs any more."""
        done = threading.Event()

        def order() -> None:
            self._stop_pushing()
            done.set()

        self._order(order)
        while self._thread.is_alive() and not done.wait(0.1):
            pass

    def push_again(self) -> None:
        """Go on after `stop_pushing`, and try a standby that is away at once. A halt stays."""
        self._order(self._push_again)

    def resume(self) -> None:
        """Go on after a halt: whatever is at the source now is taken as right."""
        self._order(self._resume)

    def drain(self, timeout_seconds: float) -> Future[Checkpoint]:
        """A proof that everything changed until now is on the standby, durably.

        The future fails with MirrorError if that does not happen in time, or cannot.
        """
        drain = Drain(self._push.root, timeout_seconds, clock=self._clock)
        if self._thread.is_alive():
            self._order(lambda: self._begin_drain(drain))
        else:
            drain.fail(MirrorError(f"{self._push.mirror}: the mirror is not running"))
        return drain.future

    # the loop

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                self._turn()
            except UnreachableError as error:
                self._courier.lose(error.message)
            except (FailoverError, OSError) as error:
                self._start_over(str(error))
            except Exception as error:
                # The one catch-all: a mirror that died silently would be worse than one that tries again.
                log.exception("mirror %s failed, starting over", self._push.mirror)
                self._start_over(f"{type(error).__name__}: {error}")
            self._report()
            if not self._is_stopping:
                self._sleep()
        self._end_drain("the mirror is being stopped")
        self._courier.close()
        self._close_watcher()
        self._report()

    def _turn(self) -> None:
        self._take_orders()
        if self._is_stopping:
            return
        now = self._clock.monotonic()
        if self._halted is None:
            if self._watcher is None and now >= self._restart_at:
                self._start_watching()
            self._look_at_source(now)
        if now >= self._read_again_at:
            self._read_watch()
        if self._may_push:
            for source_time in self._courier.listen():
                if self._drain is not None:
                    self._drain.kept(source_time)
            self._courier.finish_batch()
            self._courier.keep_link()
            reason = self._courier.start_batch(self._source.why_halt)
            if reason is not None:
                self._halt(reason)
        if self._may_push:
            self._ask_checkpoint()
        self._tend_drain()

    @property
    def _may_push(self) -> bool:
        return self._is_pushing and self._halted is None and self._watcher is not None

    def _sleep(self) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        now = self._clock.monotonic()
        moments: list[float | None] = [None if self._drain is None else self._drain.ends_at]
        if self._watcher is None:
            moments.append(None if self._halted is not None else self._restart_at)
        else:
            if now < self._read_again_at:
                moments.append(self._read_again_at)
            else:
                poll.register(self._watcher.fileno(), select.POLLIN)
            moments.append(None if self._halted is not None else self._look_at)
            moments.append(self._blind_pass_at if self._is_blind else None)
        if self._may_push:
            moments += self._courier.moments()
            for descriptor in self._courier.descriptors():
                poll.register(descriptor, select.POLLIN)
        due = [moment for moment in moments if moment is not None]
        poll.poll(max(0, int((min(due) - now) * 1000) + 1) if due else None)
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:
            pass

    # watch

    def _start_watching(self) -> None:
        watcher = self._make_watcher()
        watcher.start(self._push.root, self._push.excludes)
        self._watcher = watcher
        self._fault = None
        self._backlog.add_everything(self._clock.monotonic())
        self._courier.announce(list(self._backlog))

    def _read_watch(self) -> None:
        if self._watcher is None:
            return
        now, before = self._clock.monotonic(), self._read_at
        self._read_at = now
        news = []
        hints = self._watcher.read()
        if hints:
            self._backlog.heard(now, before)
        for hint in hints:
            if hint.kind is not HintKind.COOKIE:
                news.append(self._backlog.add(hint, now))
            elif self._drain is not None and self._drain.saw(hint.path, now):
                # Its own coming and going changed the root's time.
                news.append(self._backlog.add(Hint(b"", HintKind.PATH), now))
                self._backlog.hurry()
                news.append(self._backlog.add_everything(now) if self._is_blind else None)
        if self._is_blind and now >= self._blind_pass_at:
            self._blind_pass_at = now + _BLIND_PASS_SECONDS
            news.append(self._backlog.add_everything(now))
        self._courier.announce([entry for entry in news if entry is not None])
        if self._courier.is_busy or not self._courier.is_welcome:
            # Nothing can be sent at this moment: let changes gather instead of waking for each.
            self._read_again_at = now + self._job.batch_seconds

    @property
    def _is_blind(self) -> bool:
        return self._watcher is not None and self._watcher.watching.degraded is not None

    def _look_at_source(self, now: float) -> None:
        """The brakes, also while nothing is sent: a mount over the root makes no event."""
        is_lost = self._watcher is not None and self._watcher.watching.is_root_lost
        if now < self._look_at and not is_lost:
            return
        self._look_at = now + _LOOK_SECONDS
        reason = self._source.why_halt()
        if reason is not None:
            self._halt(reason)
        elif is_lost:
            raise MirrorError("the watch on the mirror's root was lost")

    def _close_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    # brakes and orders

    def _halt(self, reason: str) -> None:
        self._halted = reason
        self._courier.close()
        self._end_drain(f"the mirror has halted: {reason}")

    def _start_over(self, reason: str) -> None:
        """After a fault on our own side: everything anew, after a pause."""
        self._fault = reason
        self._courier.close()
        self._close_watcher()
        self._restart_at = self._clock.monotonic() + _RESTART_SECONDS
        halt = self._source.why_halt()
        if halt is not None:
            self._halt(halt)

    def _order(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)
        os.eventfd_write(self._bell, 1)

    def _take_orders(self) -> None:
        with self._lock:
            orders, self._orders = self._orders, []
        for order in orders:
            order()

    def _stop(self) -> None:
        self._is_stopping = True

    def _stop_pushing(self) -> None:
        self._is_pushing = False
        self._courier.close()
        self._end_drain("the mirror was told to stop pushing")

    def _push_again(self) -> None:
        self._is_pushing = True
        self._restart_at = 0.0
        self._courier.hurry()

    def _resume(self) -> None:
        self._push_again()
        if self._halted is not None:
            self._source.resume()
            self._halted = None
            self._close_watcher()

    # drain

    def _begin_drain(self, drain: Drain) -> None:
        self._end_drain("another drain was asked for")
        self._drain = drain
        self._refusals_before = self._courier.refusals
        if self._halted is not None or not self._is_pushing:
            self._end_drain(f"the mirror does not push, it {self.status.state.description}")
            return
        self._read_again_at = 0.0
        self._courier.hurry()
        try:
            drain.place_cookie()
        except OSError as error:
            self._end_drain(f"cannot write into the mirror: {error.strerror}")

    def _ask_checkpoint(self) -> None:
        moment = self._courier.ask_checkpoint(self._read_watch, is_hurried=self._drain is not None)
        if moment is not None and self._drain is not None and self._is_covered(self._drain):
            self._drain.asked(moment)

    def _tend_drain(self) -> None:
        drain = self._drain
        if drain is None:
            return
        if self._courier.refusals > self._refusals_before:
            self._end_drain(f"the standby refuses: {self._courier.refused}")
        elif not self._courier.is_welcome:
            drain.ask_again()
        elif drain.kept_at is not None:
            drain.succeed(Checkpoint(self._push.mirror, self._push.epoch, drain.kept_at))
            self._drain = None
        elif not drain.has_asked and self._is_covered(drain):
            self._courier.checkpoints.is_wanted = True
            self._ask_checkpoint()
        if self._drain is not None and self._clock.monotonic() >= drain.ends_at:
            self._end_drain(f"not drained in time, {self._backlog.waiting} paths wait")

    def _is_covered(self, drain: Drain) -> bool:
        return drain.seen_at is not None and not self._backlog.has_waited_since(drain.seen_at)

    def _end_drain(self, reason: str) -> None:
        drain, self._drain = self._drain, None
        if drain is not None:
            drain.fail(MirrorError(f"{self._push.mirror}: {reason}"))

    # status

    def _state(self) -> MirrorState:
        if self._is_stopping:
            return MirrorState.STOPPED
        if self._halted is not None:
            return MirrorState.HALTED
        if not self._is_pushing:
            return MirrorState.WATCHING_ONLY
        if self._courier.refused is not None:
            return MirrorState.REFUSED
        if self._watcher is None:
            return MirrorState.STARTING
        if not self._courier.is_welcome:
            return MirrorState.PEER_UNREACHABLE if self._courier.has_met_peer else MirrorState.STARTING
        if any(entry.is_subtree and not entry.path for entry in self._backlog.in_flight[:1]):
            return MirrorState.FULL_PASS
        if self._backlog.waiting or not self._courier.is_confirmed:
            return MirrorState.SENDING
        return MirrorState.IN_SYNC

    def _report(self) -> None:
        is_watching = self._watcher is not None
        self._reporter.report(
            self._state(),
            waiting_paths=self._backlog.waiting if is_watching else None,
            oldest_since=self._backlog.oldest_since,
            last_checkpoint=self._courier.checkpoints.kept,
            last_error=self._halted or self._fault or self._courier.error,
            degraded=self._watcher.watching.degraded if self._watcher is not None else None,
        )
