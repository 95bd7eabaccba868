from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import dns.message
import pytest

from failover.dns.faults import (
    DnsUnreachableError,
    LostReplyError,
    PrerequisiteError,
    Refusal,
    ServerRefusalError,
)
from failover.dns.model import Applied, Change, RecordSet, Update
from failover.dns.plan import is_done, keys_of, plan_creation, plan_move, plan_rehearsal
from failover.dns.provider import DnsProvider
from failover.dns.register import Register
from failover.dns.rfc2136 import Rfc2136Provider
from failover.errors import ExitStatus, SecretError
from failover.system.clock import SystemClock
from tests.contract.dns_provider import MAIL, MOVE, WWW, WWW_MOVED, DnsProviderContract, update_of
from tests.integration.dns.conftest import SECRET, Named, settings_for

pytestmark = pytest.mark.integration

CREATE_WWW = update_of(Change(None, WWW))
MOVE_WWW = update_of(Change(WWW, WWW_MOVED))


def provider_for(*servers: tuple[str, int], secret: str = SECRET, **key: str) -> Rfc2136Provider:
    return Rfc2136Provider(settings_for(*servers, **key), secret, clock=SystemClock())


@pytest.fixture
def provider(primary: Named) -> DnsProvider:
    return provider_for((primary.address, primary.port))


class TestBind(DnsProviderContract):
    """The contract against a real name server."""


def test_a_planned_move_from_creation_to_done(primary: Named, provider: DnsProvider) -> None:
    settings = settings_for((primary.address, primary.port))
    first, second = Register(1, "alpha"), Register(2, "bravo")
    provider.apply(plan_creation(settings, provider.read(keys_of(settings)), wanted=first))
    rehearsal = plan_rehearsal(settings, provider.read(keys_of(settings)))
    assert rehearsal is not None
    serial = soa_serial(primary)
    provider.apply(rehearsal)
    assert soa_serial(primary) == serial

    provider.apply(plan_move(settings, provider.read(keys_of(settings)), expected=first, wanted=second))

    assert is_done(settings, provider.read(keys_of(settings)), second)
    assert soa_serial(primary) == serial + 1


def soa_serial(named: Named) -> int:
    reply = dns.query.tcp(
        dns.message.make_query("example.test.", "SOA"), named.address, timeout=1, port=named.port
    )
    return int(reply.answer[0][0].serial)


def test_hmac_sha512_works(primary: Named) -> None:
    provider = provider_for((primary.address, primary.port), key="strong.", algorithm="hmac-sha512")

    assert provider.apply(CREATE_WWW).applied is Applied.WRITTEN


def test_a_name_outside_the_policy_is_refused(provider: DnsProvider) -> None:
    forbidden = RecordSet("forbidden.example.test.", "A", 60, frozenset({"192.0.2.1"}))
    changed = RecordSet("forbidden.example.test.", "A", 60, frozenset({"192.0.2.2"}))

    refusal = refused(provider, update_of(Change(forbidden, changed), Change(None, WWW)))

    assert refusal is Refusal.NOT_ALLOWED
    assert provider.read([WWW.key, forbidden.key]) == {WWW.key: None, forbidden.key: forbidden}


def refused(provider: DnsProvider, update: Update) -> Refusal:
    with pytest.raises(ServerRefusalError) as caught:
        provider.apply(update)
    assert caught.value.exit_status is ExitStatus.DNS_REFUSED
    assert caught.value.hint
    assert SECRET not in str(caught.value)
    return caught.value.refusal


def test_a_key_without_rights_is_refused(primary: Named) -> None:
    assert (
        refused(provider_for((primary.address, primary.port), key="weak."), CREATE_WWW) is Refusal.NOT_ALLOWED
    )


def test_an_unknown_key_is_told_apart(primary: Named) -> None:
    assert (
        refused(provider_for((primary.address, primary.port), key="nobody."), CREATE_WWW) is Refusal.BAD_KEY
    )


def test_a_wrong_secret_is_told_apart(primary: Named) -> None:
    secret = base64.b64encode(b"quite another secret").decode()

    assert (
        refused(provider_for((primary.address, primary.port), secret=secret), CREATE_WWW)
        is Refusal.BAD_SIGNATURE
    )


@pytest.mark.parametrize("offset_seconds", [-3600, 3600])
def test_a_wrong_clock_is_told_apart(
    provider: DnsProvider, monkeypatch: pytest.MonkeyPatch, offset_seconds: int
) -> None:
    monkeypatch.setattr("dns.message.time", SimpleNamespace(time=lambda: time.time() + offset_seconds))

    assert refused(provider, CREATE_WWW) is Refusal.BAD_TIME


def test_a_foreign_zone_is_told_apart(provider: DnsProvider) -> None:
    foreign = RecordSet("www.example.org.", "A", 60, frozenset({"192.0.2.1"}))

    assert refused(provider, Update("example.org.", (Change(None, foreign),))) is Refusal.NOT_AUTHORITATIVE


def test_an_alias_is_not_taken_for_nothing(provider: DnsProvider) -> None:
    with pytest.raises(ServerRefusalError, match="alias"):
        provider.read([("alias.example.test.", "A")])


def test_nothing_is_added_beside_an_alias(provider: DnsProvider) -> None:
    address = RecordSet("alias.example.test.", "A", 60, frozenset({"192.0.2.1"}))

    with pytest.raises(PrerequisiteError):
        provider.apply(update_of(Change(None, address)))


def test_no_server_is_its_own_error() -> None:
    provider = provider_for(("127.0.0.1", closed_port()))

    with pytest.raises(DnsUnreachableError, match="connection refused") as caught:
        provider.apply(CREATE_WWW)

    assert caught.value.exit_status is ExitStatus.DNS_UNREACHABLE


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_dead_first_server_gives_way_to_the_second(primary: Named) -> None:
    provider = provider_for(("127.0.0.1", closed_port()), (primary.address, primary.port))

    outcome = provider.apply(CREATE_WWW)

    assert outcome.server == f"127.0.0.1:{primary.port}"
    assert provider.read([WWW.key]) == {WWW.key: WWW}


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_a_silent_server_is_bounded_and_leaves_it_open(silent: int, elapsed: Callable[[], float]) -> None:
    provider = provider_for(("127.0.0.1", silent))

    with pytest.raises(LostReplyError, match="not known whether"):
        provider.apply(CREATE_WWW)

    assert 0.9 < elapsed() < 2


def test_a_silent_first_server_gives_way_once_the_second_was_read(primary: Named, silent: int) -> None:
    provider = provider_for(("127.0.0.1", silent), (primary.address, primary.port))

    assert provider.apply(CREATE_WWW).applied is Applied.WRITTEN
    assert provider.read([WWW.key]) == {WWW.key: WWW}


class LossyProxy:
    """Forwards every connection; of the first `lost` the request arrives and the reply does not."""

    def __init__(self, target: tuple[str, int], *, lost: int = 1, is_request_lost: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._target, self._lost, self._is_request_lost = target, lost, is_request_lost
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client:
                    self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        self._lost -= 1
        is_lost = self._lost >= 0
        request = read_message(client)
        if is_lost and self._is_request_lost:
            return
        with socket.create_connection(self._target, timeout=5) as server:
            server.sendall(request)
            reply = read_message(server)
        if not is_lost:
            client.sendall(reply)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


def read_message(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        head = stream.read(2)
        return head + stream.read(struct.unpack("!H", head)[0])


def test_a_lost_reply_is_success_once_it_is_read_again(primary: Named) -> None:
    with contextlib.closing(LossyProxy((primary.address, primary.port))) as proxy:
        outcome = provider_for(("127.0.0.1", proxy.port)).apply(CREATE_WWW)

    assert outcome.applied is Applied.FOUND


def test_a_lost_request_is_sent_again(primary: Named) -> None:
    with contextlib.closing(LossyProxy((primary.address, primary.port), is_request_lost=True)) as proxy:
        outcome = provider_for(("127.0.0.1", proxy.port)).apply(CREATE_WWW)

    assert outcome.applied is Applied.WRITTEN


def test_a_lost_reply_to_a_stale_update_is_not_success(primary: Named, provider: DnsProvider) -> None:
    provider.apply(CREATE_WWW)
    with contextlib.closing(LossyProxy((primary.address, primary.port))) as proxy:
        other = provider_for(("127.0.0.1", proxy.port))
        with pytest.raises(PrerequisiteError, match=r"is 10\.77\.0\.11, expected 10\.77\.0\.12"):
            other.apply(update_of(Change(WWW_MOVED, RecordSet(WWW.name, "A", 60, frozenset({"10.77.0.13"})))))


def test_the_same_move_by_somebody_else_is_no_success_of_ours(provider: DnsProvider) -> None:
    provider.apply(CREATE_WWW)
    provider.apply(MOVE_WWW)

    with pytest.raises(PrerequisiteError) as caught:
        provider.apply(MOVE_WWW)

    assert caught.value.is_wanted_there


def test_a_move_is_quick(provider: DnsProvider, elapsed: Callable[[], float]) -> None:
    provider.apply(update_of(*(Change(None, change.before) for change in MOVE.changes)))
    start = elapsed()

    provider.apply(MOVE)

    took = elapsed() - start
    print(f"one update of {len(MOVE.changes)} record sets: {took * 1000:.1f} ms")  # noqa: T201
    assert took < 0.5


def test_the_secret_is_nowhere_to_be_seen(primary: Named) -> None:
    provider = provider_for((primary.address, primary.port))

    assert SECRET not in repr(provider)
    with pytest.raises(SecretError) as caught:
        provider_for((primary.address, primary.port), secret="!not base64!")
    assert "!not" not in str(caught.value)
    assert MAIL.key not in provider.read([WWW.key])
