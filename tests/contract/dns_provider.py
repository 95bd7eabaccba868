"""What every DnsProvider that can compare and swap must do. A subclass gives the fixtures and is collected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from failover.dns.faults import PrerequisiteError
from failover.dns.model import Applied, Change, RecordSet, Update
from failover.dns.provider import DnsProvider
from failover.dns.register import Register, register_record

ZONE = "example.test."
WWW = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.11"}))
WWW_MOVED = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.12"}))
WWW6 = RecordSet("www.example.test.", "AAAA", 60, frozenset({"fd77::11", "fd77::21"}))
WWW6_MOVED = RecordSet("www.example.test.", "AAAA", 60, frozenset({"fd77::12"}))
MAIL = RecordSet("mail.example.test.", "A", 60, frozenset({"10.77.0.11"}))
MAIL_MOVED = RecordSet("mail.example.test.", "A", 60, frozenset({"10.77.0.12"}))
OTHER = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.99"}))
REGISTER = register_record(Register(5, "alpha"), "_failover.www.example.test.", 60)
REGISTER_MOVED = register_record(Register(6, "bravo"), "_failover.www.example.test.", 60)


def update_of(*changes: Change) -> Update:
    return Update(ZONE, tuple(sorted(changes, key=lambda change: change.key)))


MOVE = update_of(
    Change(WWW, WWW_MOVED),
    Change(WWW6, WWW6_MOVED),
    Change(MAIL, MAIL_MOVED),
    Change(REGISTER, REGISTER_MOVED),
)
BEFORE = {change.key: change.before for change in MOVE.changes}
AFTER = {change.key: change.after for change in MOVE.changes}


class DnsProviderContract:
    """`provider` is a fixture: a zone `example.test.` in which none of the names above exists yet."""

    @pytest.fixture
    def filled(self, provider: DnsProvider) -> DnsProvider:
        provider.apply(update_of(*(Change(None, change.before) for change in MOVE.changes)))
        return provider

    def test_what_is_not_there_reads_as_none(self, provider: DnsProvider) -> None:
        assert provider.read(MOVE.keys) == dict.fromkeys(MOVE.keys)

    def test_what_was_created_is_read_back_with_its_ttl(self, filled: DnsProvider) -> None:
        assert filled.read(MOVE.keys) == BEFORE

    def test_creating_what_exists_changes_nothing(self, filled: DnsProvider) -> None:
        with pytest.raises(PrerequisiteError, match=r"is 10\.77\.0\.11, expected \(none\)"):
            filled.apply(update_of(Change(None, WWW_MOVED)))

        assert filled.read(MOVE.keys) == BEFORE

    def test_a_move_changes_all_names_and_the_register(self, filled: DnsProvider) -> None:
        outcome = filled.apply(MOVE)

        assert outcome.applied is Applied.WRITTEN
        assert filled.read(MOVE.keys) == AFTER

    def test_a_stale_expectation_changes_nothing_and_says_both(self, filled: DnsProvider) -> None:
        with pytest.raises(PrerequisiteError, match=r"is 10\.77\.0\.11, expected 10\.77\.0\.99") as caught:
            filled.apply(update_of(Change(OTHER, WWW_MOVED), *MOVE.changes[:2], MOVE.changes[3]))

        assert filled.read(MOVE.keys) == BEFORE
        assert caught.value.found is not None
        assert not caught.value.is_wanted_there

    def test_expecting_one_of_two_values_is_stale(self, filled: DnsProvider) -> None:
        half = RecordSet(WWW6.name, "AAAA", 60, frozenset({"fd77::11"}))

        with pytest.raises(PrerequisiteError):
            filled.apply(update_of(Change(half, WWW6_MOVED)))

    def test_a_stale_register_alone_stops_the_move(self, filled: DnsProvider) -> None:
        filled.apply(update_of(Change(REGISTER, REGISTER_MOVED)))

        with pytest.raises(PrerequisiteError, match="epoch=6 primary=bravo"):
            filled.apply(MOVE)

        assert filled.read([WWW.key, MAIL.key]) == {WWW.key: WWW, MAIL.key: MAIL}

    def test_another_ttl_is_no_surprise(self, filled: DnsProvider) -> None:
        remembered = RecordSet(WWW.name, WWW.type, 3600, WWW.values)

        filled.apply(update_of(Change(remembered, WWW_MOVED)))

        assert filled.read([WWW.key]) == {WWW.key: WWW_MOVED}

    def test_only_the_ttl_can_change(self, filled: DnsProvider) -> None:
        slow = RecordSet(WWW.name, WWW.type, 600, WWW.values)

        filled.apply(update_of(Change(WWW, slow)))

        assert filled.read([WWW.key]) == {WWW.key: slow}

    def test_a_rehearsal_changes_nothing(self, filled: DnsProvider) -> None:
        filled.apply(update_of(*(Change(change.before, change.before) for change in MOVE.changes)))

        assert filled.read(MOVE.keys) == BEFORE

    def test_after_none_deletes(self, filled: DnsProvider) -> None:
        filled.apply(update_of(Change(MAIL, None)))

        assert filled.read([MAIL.key, WWW.key]) == {MAIL.key: None, WWW.key: WWW}

    def test_of_simultaneous_moves_exactly_one_wins(self, filled: DnsProvider) -> None:
        def move(primary: str) -> str | None:
            register = register_record(Register(6, primary), REGISTER.name, 60)
            try:
                filled.apply(update_of(Change(REGISTER, register), Change(WWW, WWW_MOVED)))
            except PrerequisiteError:
                return None
            return primary

        names = [f"node{number}" for number in range(8)]
        with ThreadPoolExecutor(len(names)) as pool:
            winners = [name for name in pool.map(move, names) if name is not None]

        assert len(winners) == 1
        assert filled.read([REGISTER.key]) == {
            REGISTER.key: register_record(Register(6, winners[0]), REGISTER.name, 60)
        }
