from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from failover.switchover.loss import (
    LossReport,
    MirrorLoss,
    compare_files,
    complete_loss,
    loss_report_from,
    record_loss,
)
from failover.switchover.node import FileRecord, LostTransaction, LostTransactions, NodeOrders
from failover.sync.checkpoint import Checkpoint
from tests.fakes.pair import pair_settings

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Disk:
    """A node of which only files, announcements and binary logs are asked."""

    def __init__(self, files: dict[str, tuple[int, int]], announced: tuple[str, ...] = ()) -> None:
        self.files = files
        self.announced_paths = announced

    def last_checkpoint(self, *, mirror: str) -> Checkpoint | None:
        return Checkpoint(mirror, 3, AT)

    def announced(self, *, mirror: str) -> tuple[str, ...]:
        return self.announced_paths

    def changed_files(
        self, *, mirror: str, since: str | None, timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        return tuple(FileRecord(path, *told) for path, told in self.files.items() if told[1] > 100)

    def stat_files(
        self, *, mirror: str, paths: tuple[str, ...], timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        return tuple(FileRecord(path, *self.files[path]) for path in paths if path in self.files)

    def transactions_after(self, *, position: str, timeout_seconds: float) -> LostTransactions:
        return LostTransactions((LostTransaction("0-1-43", None, ("INSERT x",)),), is_truncated=False)


def nodes(old: Disk, new: Disk) -> tuple[NodeOrders, NodeOrders]:
    return cast("NodeOrders", old), cast("NodeOrders", new)


def report(old: Disk, new: Disk) -> LossReport:
    return record_loss(
        nodes(old, new)[1], pair_settings(), old="web1", position="0-1-42", at="2026-01-01T00:00:09+00:00"
    )


def test_at_the_takeover_the_report_has_what_was_announced_and_is_not_complete() -> None:
    told = report(Disk({}), Disk({}, announced=("a", "dir/")))

    assert told.files == ("www:a", "www:dir/")
    assert not told.is_complete
    assert told.mirrors[0].checkpoint == AT.isoformat()


def test_the_returned_node_completes_it_with_what_only_it_has() -> None:
    old = Disk({"same": (1, 101), "new": (5, 102), "edited": (7, 103), "announced-only": (2, 50)})
    new = Disk(
        {"same": (1, 101), "edited": (6, 99), "deleted": (1, 1)}, announced=("announced-only", "deleted")
    )
    told = complete_loss(*nodes(old, new), report(old, new))

    assert told.files == ("www:announced-only", "www:edited", "www:new")
    assert told.mirrors[0].not_deleted == ("deleted",)
    assert told.transactions[0].gtid == "0-1-43"
    assert told.is_complete


def test_a_report_survives_the_journal() -> None:
    told = LossReport(
        "web1",
        "web2",
        "0-1-42",
        AT.isoformat(),
        (MirrorLoss("www", None, ("caf\udce9", "b")),),
        (LostTransaction("0-1-43", None, ("INSERT x",)),),
    )

    assert loss_report_from(json.loads(json.dumps(told.to_json()))) == told


paths = st.sampled_from(["a", "b", "c", "d"])
disks = st.dictionaries(paths, st.tuples(st.integers(0, 1), st.integers(0, 1)))


@given(disks, disks, st.sets(paths))
def test_nothing_is_both_lost_and_there_in_the_same_version(
    there: dict[str, tuple[int, int]], here: dict[str, tuple[int, int]], announced: set[str]
) -> None:
    lost, not_deleted = compare_files(
        (FileRecord(path, *told) for path, told in there.items()),
        (FileRecord(path, *told) for path, told in here.items()),
        announced,
    )

    assert set(lost) == {path for path in there if here.get(path) != there[path]}
    assert set(not_deleted) == {path for path in announced if path not in there and path in here}
