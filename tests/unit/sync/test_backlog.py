from __future__ import annotations

import random

import pytest

from failover.sync.backlog import Backlog
from failover.sync.backoff import Backoff
from failover.sync.dirty import Entry
from failover.sync.settling import Settling
from failover.sync.watch.interface import Hint, HintKind


def _paths(entries: tuple[Entry, ...]) -> list[bytes]:
    return [entry.path for entry in entries]


def test_saved_file_is_ready_at_once() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"f", HintKind.WRITING), 1.0)
    backlog.add(Hint(b"f", HintKind.PATH), 1.1)

    assert backlog.is_ready(1.1)
    assert backlog.take(1.1) == (Entry(b"f", False, 1.0),)


def test_file_under_way_waits_for_a_quiet_second() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"f", HintKind.WRITING), 0.0)
    backlog.add(Hint(b"f", HintKind.WRITING), 0.9)

    assert not backlog.is_ready(1.8)
    assert backlog.waiting == 1
    assert backlog.next_due == pytest.approx(1.9)
    assert _paths(backlog.take(1.9)) == [b"f"]


def test_file_written_without_end_is_sent_every_ten_seconds() -> None:
    settling = Settling()
    sent = []
    for tick in range(400):
        now = tick / 10
        settling.touch(b"log", now)
        sent += [now for _ in settling.take(now)]

    assert sent == pytest.approx([10.0, 20.1, 30.2])


def test_every_path_is_announced_once_until_it_is_taken() -> None:
    backlog = Backlog()

    assert backlog.add(Hint(b"f", HintKind.WRITING), 0.0) == Entry(b"f", False, 0.0)
    assert backlog.add(Hint(b"f", HintKind.WRITING), 0.1) is None
    assert backlog.add(Hint(b"g", HintKind.PATH), 0.2) is not None
    assert backlog.add(Hint(b"g", HintKind.PATH), 0.3) is None
    backlog.take(0.4)
    assert backlog.add(Hint(b"g", HintKind.PATH), 0.5) is not None


def test_failed_batch_waits_and_the_rest_flows() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"bad", HintKind.PATH), 0.0)
    backlog.take(0.0)
    backlog.park(until=5.0)
    backlog.add(Hint(b"good", HintKind.PATH), 1.0)

    assert _paths(backlog.take(1.0)) == [b"good"]
    backlog.arrived()
    assert (backlog.waiting, backlog.oldest_since, backlog.is_ready(4.9)) == (1, 0.0, False)
    assert _paths(backlog.take(5.0)) == [b"bad"]


def test_interrupted_batch_is_ready_again_with_its_age() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"f", HintKind.PATH), 3.0)
    backlog.take(3.0)

    backlog.give_back()

    assert backlog.take(9.0) == (Entry(b"f", False, 3.0),)


def test_owed_full_pass_comes_after_a_while_or_at_once_for_a_drain() -> None:
    backlog = Backlog()
    backlog.owe_full_pass(0.0)
    assert (backlog.waiting, backlog.is_ready(1.0), backlog.is_ready(10.0)) == (1, False, True)

    backlog.hurry()

    assert backlog.take(1.0) == (Entry(b"", True, 0.0),)


def test_everything_that_waits_is_listed_for_a_standby_that_came_back() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"a", HintKind.PATH), 0.0)
    backlog.take(0.0)
    backlog.park(until=100.0)
    backlog.add(Hint(b"b", HintKind.SUBTREE), 0.0)
    backlog.take(0.0)
    backlog.add(Hint(b"c", HintKind.PATH), 0.0)
    backlog.add(Hint(b"d", HintKind.WRITING), 0.0)

    assert {(entry.path, entry.is_subtree) for entry in backlog} == {
        (b"a", False),
        (b"b", True),
        (b"c", False),
        (b"d", False),
    }


def test_pauses_grow_to_a_limit_and_begin_anew() -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=8.0, chance=random.Random(1))

    pauses = [backoff.failed() for _ in range(8)]

    for pause, middle in zip(pauses, (1, 2, 4, 8, 8, 8, 8, 8), strict=True):
        assert 0.75 * middle <= pause <= 1.25 * middle
    backoff.succeeded()
    assert backoff.failed() <= 1.25


def test_everything_is_covered_up_to_the_oldest_change_that_waits() -> None:
    backlog = Backlog()

    assert backlog.covered_until(9.0) == 9.0
    backlog.add(Hint(b"a", HintKind.PATH), 5.0)
    backlog.add(Hint(b"b", HintKind.PATH), 6.0)
    backlog.take(7.0)
    assert backlog.covered_until(9.0) == 5.0
    backlog.arrived()
    assert backlog.covered_until(9.0) == 9.0


def test_of_a_rescan_s_age_nothing_is_known_until_it_has_arrived() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"a", HintKind.PATH), 4.0)
    backlog.add_everything(5.0)

    assert backlog.covered_until(6.0) is None
    backlog.take(6.0)
    assert backlog.covered_until(7.0) is None
    backlog.arrived()
    assert backlog.covered_until(7.0) == 7.0


def test_a_rescan_that_was_interrupted_covers_nothing_still() -> None:
    backlog = Backlog()
    backlog.add_everything(5.0)
    backlog.take(6.0)
    backlog.give_back()

    assert backlog.covered_until(7.0) is None


def test_an_owed_full_pass_covers_nothing() -> None:
    backlog = Backlog()
    backlog.owe_full_pass(5.0)

    assert backlog.covered_until(6.0) is None


def test_a_change_may_be_as_old_as_the_reading_of_the_watch_before_it_was_heard_of() -> None:
    backlog = Backlog()
    backlog.heard(5.0, before=3.0)
    backlog.add(Hint(b"a", HintKind.PATH), 5.0)
    backlog.take(5.0)
    backlog.heard(6.0, before=5.0)
    backlog.add(Hint(b"b", HintKind.PATH), 6.0)

    assert backlog.covered_until(9.0) == 3.0
    backlog.arrived()
    assert backlog.covered_until(9.0) == 5.0


def test_what_is_heard_of_later_does_not_count_as_having_waited() -> None:
    backlog = Backlog()
    backlog.add(Hint(b"a", HintKind.PATH), 5.0)
    backlog.take(5.0)

    assert backlog.has_waited_since(5.0)
    backlog.arrived()
    backlog.add(Hint(b"b", HintKind.PATH), 6.0)
    assert not backlog.has_waited_since(5.0)
    backlog.add_everything(7.0)
    assert backlog.has_waited_since(5.0)
