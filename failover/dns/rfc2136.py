"""The provider for name servers that take dynamic updates (RFC 2136) signed with TSIG (RFC 8945), by TCP."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import dns.exception
import dns.message
import dns.rcode
import dns.tsig

from failover.config.settings import DnsServerSettings, DnsSettings
from failover.dns.exchange import Endpoint, Lookup, ask_tcp, find_endpoint, lookup_addresses, show_endpoint
from failover.dns.faults import (
    DnsUnreachableError,
    LostReplyError,
    NoReplyError,
    NotSentError,
    PrerequisiteError,
    Refusal,
    ServerRefusalError,
)
from failover.dns.model import Abilities, Applied, Outcome, RecordKey, Records, RecordSet, Update
from failover.dns.wire import PREREQUISITE_FAILED, make_question, make_update, record_in, refusal_of
from failover.errors import DnsError, SecretError
from failover.system.clock import Clock

# The order matters where a class is another's child: the first that fits is taken.
_TSIG_REFUSALS: tuple[tuple[type[dns.exception.DNSException], Refusal], ...] = (
    (dns.tsig.PeerBadKey, Refusal.BAD_KEY),
    (dns.tsig.PeerBadSignature, Refusal.BAD_SIGNATURE),
    (dns.tsig.PeerBadTruncation, Refusal.BAD_SIGNATURE),
    (dns.tsig.PeerBadTime, Refusal.BAD_TIME),
    (dns.tsig.BadTime, Refusal.BAD_TIME),
    (dns.tsig.BadSignature, Refusal.UNSIGNED),
    (dns.tsig.BadKey, Refusal.UNSIGNED),
    (dns.tsig.BadAlgorithm, Refusal.UNSIGNED),
    (dns.message.UnknownTSIGKey, Refusal.UNSIGNED),
)


class Rfc2136Provider:
    """Reads and changes one zone at the servers that take its updates, tried in order.

    Questions are signed too: the answers cannot be forged, and a bad key or a wrong clock shows before the day it
    matters.
    """

    abilities = Abilities(is_atomic=True, can_compare_and_swap=True, knows_propagation=False)

    def __init__(
        self, settings: DnsSettings, secret: str, *, clock: Clock, lookup: Lookup = lookup_addresses
    ) -> None:
        """Take the key.

        Args:
            settings: The zone, its servers and the key's name.
            secret: The key itself, base64.
            clock: For the time limits.
            lookup: Finds the address of a server that is given by name.

        Raises:
            SecretError: the secret is not base64.
        """
        self._settings = settings
        self._clock = clock
        self._lookup = lookup
        self._key = _make_key(settings, secret)

    def __repr__(self) -> str:
        """Without the key: dnspython's own repr of a key shows its secret."""
        return f"{type(self).__name__}(zone={self._settings.zone!r})"

    def read(self, keys: Iterable[RecordKey]) -> Records:
        """What the first server that answers holds under each key; all from that one server.

        Raises:
            DnsUnreachableError: no server answers.
            ServerRefusalError: a server answers and will not, or a name is an alias.
        """
        wanted = tuple(keys)
        failures: list[str] = []
        sick: ServerRefusalError | None = None
        for server in self._settings.servers:
            try:
                endpoint = self._endpoint(server)
                return {key: self._read_one(endpoint, key) for key in wanted}
            except (NotSentError, NoReplyError) as error:
                failures.append(error.message)
            except ServerRefusalError as error:
                sick = _only_if_sick(error)
        raise sick or DnsUnreachableError(failures)

    def apply(self, update: Update) -> Outcome:
        """Send the update as one message; see DnsProvider.apply.

        The prerequisites make it safe to send again: after a lost reply the records are read, and the update is sent
        once more, to the next server first, only where they show that it was not done.
        """
        failures: list[str] = []
        sick: ServerRefusalError | None = None
        was_sent = False
        for _ in range(2):
            for server in self._settings.servers:
                try:
                    return self._apply_at(self._endpoint(server), update, was_sent=was_sent)
                except NotSentError as error:
                    failures.append(error.message)
                except NoReplyError as error:
                    failures.append(error.message)
                    was_sent = True
                except ServerRefusalError as error:
                    sick = _only_if_sick(error)
            if not was_sent:
                break
        if was_sent:
            raise LostReplyError(update, failures)
        raise sick or DnsUnreachableError(failures)

    def _apply_at(self, endpoint: Endpoint, update: Update, *, was_sent: bool) -> Outcome:
        """One attempt at one server; NoReplyError if it did not answer and a reading shows that it is not done."""
        server = show_endpoint(endpoint)
        try:
            rcode = self._exchange(endpoint, make_update(update), f"the update of {update.zone}").rcode()
        except (NoReplyError, ServerRefusalError) as error:
            if isinstance(error, ServerRefusalError) and error.refusal is not Refusal.UNSIGNED:
                raise
            found = self._read_again(update)
            if found is None:
                raise LostReplyError(update, [error.message]) from error
            if update.is_applied_in(found):
                return Outcome(Applied.FOUND, server)
            raise NoReplyError(error.message) from error
        if rcode == dns.rcode.NOERROR:
            return Outcome(Applied.WRITTEN, server)
        if rcode in PREREQUISITE_FAILED:
            return self._settle(update, server, is_reply_lost=was_sent)
        about = f"the update of {update.zone} signed with {self._settings.tsig.name}"
        raise ServerRefusalError(refusal_of(rcode), server, about)

    def _settle(self, update: Update, server: str, *, is_reply_lost: bool) -> Outcome:
        """A prerequisite failed: by our own first update whose reply was lost, or by somebody else's."""
        found = self._read_again(update)
        if is_reply_lost and found is not None and update.is_applied_in(found):
            return Outcome(Applied.FOUND, server)
        raise PrerequisiteError(update, found)

    def _read_again(self, update: Update) -> Records | None:
        try:
            return self.read(update.keys)
        except DnsError:
            # The caller has the first and more telling error; that this reading failed is in its message.
            return None

    def _read_one(self, endpoint: Endpoint, key: RecordKey) -> RecordSet | None:
        reply = self._exchange(endpoint, make_question(key), f"{key[0]} {key[1]}")
        return record_in(reply, key, show_endpoint(endpoint))

    def _exchange(self, endpoint: Endpoint, message: dns.message.Message, about: str) -> dns.message.Message:
        """The reply to `message`, signed and its signature checked."""
        message.use_tsig(self._key)
        server = show_endpoint(endpoint)
        try:
            reply = ask_tcp(
                message, endpoint, clock=self._clock, seconds=self._settings.query_timeout_seconds
            )
        except tuple(kind for kind, _ in _TSIG_REFUSALS) as error:
            refusal = next(refusal for kind, refusal in _TSIG_REFUSALS if isinstance(error, kind))
            about = f"{about}, key {self._settings.tsig.name}"
            raise ServerRefusalError(refusal, server, about) from error
        except dns.exception.DNSException as error:
            raise NoReplyError(f"{server}: an unreadable reply ({type(error).__name__})") from error
        if not reply.had_tsig and reply.rcode() in {dns.rcode.NOERROR, *PREREQUISITE_FAILED}:
            # An unsigned refusal is believed, an unsigned "done" or "not there" is not (RFC 8945 section 5.3).
            raise ServerRefusalError(Refusal.UNSIGNED, server, about)
        return reply

    def _endpoint(self, server: DnsServerSettings) -> Endpoint:
        limit = self._settings.query_timeout_seconds
        return find_endpoint(server.address, server.port, self._lookup, limit)


def _only_if_sick(error: ServerRefusalError) -> ServerRefusalError:
    """`error` if the server cannot, so that the next one may; raises it if the server will not."""
    if error.refusal is not Refusal.FAILED:
        raise error
    return error


def _make_key(settings: DnsSettings, secret: str) -> dns.tsig.Key:
    try:
        raw = base64.b64decode("".join(secret.split()), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        # Without the cause: its text could hold a part of the secret.
        raise SecretError(
            f"the secret of key {settings.tsig.name} is not base64",
            hint=f"{settings.tsig.secret} must hold what tsig-keygen calls the secret, and nothing else",
        )
    return dns.tsig.Key(settings.tsig.name, raw, settings.tsig.algorithm)
