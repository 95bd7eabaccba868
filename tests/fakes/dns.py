"""A provider in memory that enforces what a name server would: all conditions or nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from failover.dns.faults import PrerequisiteError
from failover.dns.model import Abilities, Applied, Outcome, RecordKey, Records, RecordSet, Update


class FakeDnsProvider:
    abilities = Abilities(is_atomic=True, can_compare_and_swap=True, knows_propagation=False)

    def __init__(self, records: Iterable[RecordSet] = ()) -> None:
        self.records = {record.key: record for record in records}
        self.updates: list[Update] = []
        self._lock = threading.Lock()

    def read(self, keys: Iterable[RecordKey]) -> Records:
        with self._lock:
            return {key: self.records.get(key) for key in keys}

    def apply(self, update: Update) -> Outcome:
        with self._lock:
            found = {key: self.records.get(key) for key in update.keys}
            if not update.is_possible_in(found):
                raise PrerequisiteError(update, found)
            for change in update.changes:
                if change.after is None:
                    self.records.pop(change.key)
                else:
                    self.records[change.key] = change.after
            self.updates.append(update)
        return Outcome(Applied.WRITTEN, "memory")
