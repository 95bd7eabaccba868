"""What failover needs of whoever holds the zone. `rfc2136` is the first; hosted services fit behind the same border."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from failover.dns.model import Abilities, Outcome, RecordKey, Records, Update


class DnsProvider(Protocol):
    """Reads and changes one zone. `tests/contract/dns_provider.py` is what every one of them must pass."""

    @property
    def abilities(self) -> Abilities:
        """What it can promise."""
        ...

    def read(self, keys: Iterable[RecordKey]) -> Records:
        """What the authority holds now under each key; None where there is nothing.

        Raises:
            DnsError: it does not answer (DnsUnreachableError), will not (ServerRefusalError), or a name is an alias.
        """
        ...

    def apply(self, update: Update) -> Outcome:
        """Bring the update about, whole; with `can_compare_and_swap` only if every `before` holds.

        Raises:
            PrerequisiteError: somebody changed a record; nothing was changed.
            ServerRefusalError: the server will not do it; nothing was changed.
            LostReplyError: it is not known whether it was done.
            DnsUnreachableError: no server answered; nothing was changed.
        """
        ...
