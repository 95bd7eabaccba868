"""Ask every authority of the zone, and wait until all say the same.

An update is done at one server; visitors ask all of them. Only what the authorities themselves say counts here, never
what a resolver remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.message

from failover.config.settings import DnsSettings
from failover.dns.exchange import Endpoint, Lookup, ask_udp, find_endpoint, lookup_addresses, show_endpoint
from failover.dns.faults import DnsUnreachableError, NoReplyError, NotSentError, ServerRefusalError
from failover.dns.matrix import Answer, Authority, Fault, Matrix, View
from failover.dns.model import RecordKey, Records
from failover.dns.wire import glue_in, make_question, record_in
from failover.errors import DnsError
from failover.system.clock import Clock
from failover.system.deadline import Deadline

DNS_PORT = 53
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0
_MOST_THREADS = 32


class Propagation:
    """Finds the authorities of one zone and asks them. Each question is bounded by `query_timeout_seconds`."""

    def __init__(
        self,
        settings: DnsSettings,
        *,
        clock: Clock,
        lookup: Lookup = lookup_addresses,
        authority_port: int = DNS_PORT,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._lookup = lookup
        self._port = authority_port

    def find_authorities(self) -> tuple[Authority, ...]:
        """Every address of every name server that the zone lists, as the first update server that answers gives it.

        A server whose address nobody knows is listed with the address "" and reads as silent.

        Raises:
            DnsUnreachableError: no update server answers.
            ServerRefusalError: one answers and will not, or knows no name servers of the zone.
        """
        failures: list[str] = []
        for server in self._settings.servers:
            try:
                limit = self._settings.query_timeout_seconds
                return self._authorities_by(find_endpoint(server.address, server.port, self._lookup, limit))
            except (NotSentError, NoReplyError) as error:
                failures.append(error.message)
        raise DnsUnreachableError(failures)

    def ask_all(self, authorities: Iterable[Authority], keys: Iterable[RecordKey]) -> Matrix:
        """What every authority says under each key, all asked at the same time. Never raises for a server's fault."""
        asked, wanted = tuple(sorted(authorities)), tuple(sorted(keys))
        with ThreadPoolExecutor(max(1, min(len(asked), _MOST_THREADS)), "dns") as pool:
            return Matrix(tuple(pool.map(lambda authority: self._view_of(authority, wanted), asked)))

    def wait_until_agreed(
        self,
        authorities: Iterable[Authority],
        wanted: Records,
        *,
        seconds: float | None = None,
        progress: Callable[[Matrix], None] | None = None,
    ) -> Matrix:
        """Ask until every authority says what is wanted, or the time is over.

        Args:
            authorities: Whom to ask; see `find_authorities`.
            wanted: What each shall say; None for a record set that shall not exist.
            seconds: Default `agree_timeout_seconds`. Authorities are asked at least once.
            progress: Called with every matrix, in the caller's thread.

        Returns:
            The last matrix, also if a stop was asked for; `matrix.is_agreed(wanted)` tells which of both it was.
        """
        asked = tuple(authorities)
        deadline = Deadline(self._clock, self._settings.agree_timeout_seconds if seconds is None else seconds)
        pause = _FIRST_PAUSE_SECONDS
        while True:
            matrix = self.ask_all(asked, wanted)
            if progress is not None:
                progress(matrix)
            if matrix.is_agreed(wanted) or deadline.is_over:
                return matrix
            if self._clock.wait(min(pause, deadline.left_seconds)):
                return matrix
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _authorities_by(self, server: Endpoint) -> tuple[Authority, ...]:
        zone = self._settings.zone
        reply = self._ask(server, (zone, "NS"))
        servers = record_in(reply, (zone, "NS"), show_endpoint(server))
        if servers is None:
            raise DnsError(
                f"name server {show_endpoint(server)} lists no name servers for {zone}",
                hint="check dns.zone: it must be the zone's own name, not a name inside it",
            )
        found: set[Authority] = set()
        for name in servers.values:
            addresses = self._addresses_of(name, server, reply) or ("",)
            found.update(Authority(name, address, self._port) for address in addresses)
        return tuple(sorted(found))

    def _addresses_of(self, name: str, server: Endpoint, reply: dns.message.Message) -> tuple[str, ...]:
        """A name server's addresses: from the update server if it knows them, else from this machine's resolver."""
        found: list[str] = []
        for type_ in ("A", "AAAA"):
            record = glue_in(reply, (name, type_)) or glue_in(self._ask(server, (name, type_)), (name, type_))
            found.extend(sorted(record.values) if record else ())
        return tuple(found) or self._lookup(name, self._settings.query_timeout_seconds)

    def _view_of(self, authority: Authority, keys: tuple[RecordKey, ...]) -> View:
        """Ask one authority one question after the other; one that is silent once is not asked further."""
        silent: Answer | None = None
        answers: list[tuple[RecordKey, Answer]] = []
        for key in keys:
            answer = silent or self._answer_of(authority, key)
            silent = answer if answer.fault in {Fault.SILENT, Fault.UNROUTABLE} else None
            answers.append((key, answer))
        return View(authority, None if silent else self._serial_of(authority), tuple(answers))

    def _answer_of(self, authority: Authority, key: RecordKey) -> Answer:
        if not authority.address:
            return Answer(None, Fault.SILENT, "its address is not known")
        endpoint = (authority.address, authority.port)
        try:
            return Answer(record_in(self._ask(endpoint, key), key, show_endpoint(endpoint)))
        except NotSentError as error:
            return Answer(None, Fault.UNROUTABLE if error.is_unroutable else Fault.SILENT, error.message)
        except NoReplyError as error:
            return Answer(None, Fault.SILENT, error.message)
        except ServerRefusalError as error:
            return Answer(None, Fault.REFUSED, error.message)

    def _serial_of(self, authority: Authority) -> int | None:
        try:
            reply = self._ask((authority.address, authority.port), (self._settings.zone, "SOA"))
            record = record_in(reply, (self._settings.zone, "SOA"), authority.address)
        except DnsError:
            # Only shown, never judged: no serial is an answer too.
            return None
        return int(next(iter(record.values)).split()[2]) if record else None

    def _ask(self, endpoint: Endpoint, key: RecordKey) -> dns.message.Message:
        try:
            return ask_udp(
                make_question(key),
                endpoint,
                clock=self._clock,
                seconds=self._settings.query_timeout_seconds,
            )
        except dns.exception.DNSException as error:
            raise NoReplyError(f"{show_endpoint(endpoint)}: an unreadable reply") from error
