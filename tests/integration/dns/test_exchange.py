"""One question to one server that behaves badly."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from failover.dns.exchange import ask_tcp, ask_udp, find_endpoint, lookup_addresses
from failover.dns.faults import LostReplyError, NoReplyError, NotSentError, Refusal, ServerRefusalError
from failover.dns.model import Change
from failover.dns.rfc2136 import Rfc2136Provider
from failover.dns.wire import make_question
from failover.system.clock import SystemClock
from tests.contract.dns_provider import WWW, update_of
from tests.integration.dns.conftest import SECRET, Named, settings_for

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
HOST = "127.0.0.1"
React = Callable[[bytes], list[bytes]]
"""What to send back for a request: parts, each its own segment or datagram."""


def answer_to(request: bytes, *, flags: int = 0, id_offset: int = 0) -> bytes:
    reply = dns.message.make_response(dns.message.from_wire(request, ignore_trailing=True, keyring=False))
    reply.id = (reply.id + id_offset) % 65536
    reply.flags |= dns.flags.AA | flags
    if not flags & dns.flags.TC:
        reply.answer = [dns.rrset.from_text(WWW.name, 60, "IN", "A", "10.77.0.11")]
    return reply.to_wire()


def framed(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire


@pytest.fixture
def bad_server() -> Iterator[Callable[[React, React], int]]:
    """Start a server that reacts as told over TCP and over UDP, both on one port; gives the port."""
    with contextlib.ExitStack() as stack:

        def start(on_tcp: React, on_udp: React) -> int:
            listener = socket.create_server((HOST, 0))
            port = int(listener.getsockname()[1])
            channel = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            channel.bind((HOST, port))
            threads = [
                threading.Thread(target=serve_tcp, args=(listener, on_tcp)),
                threading.Thread(target=serve_udp, args=(channel, on_udp)),
            ]
            for thread in threads:
                thread.start()
                stack.callback(thread.join, 5)
            stack.callback(wake, port)
            stack.callback(listener.close)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return port

        yield start


def wake(port: int) -> None:
    """An empty datagram ends `serve_udp`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
        waker.sendto(b"", (HOST, port))


def serve_tcp(listener: socket.socket, react: React) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, client.makefile("rb") as stream:
                (size,) = struct.unpack("!H", stream.read(2))
                for part in react(stream.read(size)):
                    client.sendall(part)


def serve_udp(channel: socket.socket, react: React) -> None:
    while True:
        request, peer = channel.recvfrom(65535)
        if not request:
            return
        for part in react(request):
            channel.sendto(part, peer)


def nothing(_: bytes) -> list[bytes]:
    return []


BadServer = Callable[[React, React], int]


def test_a_reply_in_pieces_is_put_together(bad_server: BadServer) -> None:
    port = bad_server(lambda request: [bytes([byte]) for byte in framed(answer_to(request))], nothing)

    assert ask_tcp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=2).answer


def test_half_a_reply_is_no_reply(bad_server: BadServer) -> None:
    port = bad_server(lambda request: [framed(answer_to(request))[:-4]], nothing)

    with pytest.raises(NoReplyError, match="connection closed before the reply"):
        ask_tcp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=2)


def test_a_truncated_datagram_is_asked_again_over_tcp(bad_server: BadServer) -> None:
    port = bad_server(
        lambda request: [framed(answer_to(request))], lambda request: [answer_to(request, flags=dns.flags.TC)]
    )

    assert ask_udp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=2).answer


def test_strange_datagrams_are_not_taken_for_the_reply(bad_server: BadServer) -> None:
    port = bad_server(
        nothing, lambda request: [b"\0", answer_to(request, id_offset=1), request, answer_to(request)]
    )

    assert ask_udp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=2).answer


def test_only_strange_datagrams_do_not_outlast_the_limit(
    bad_server: BadServer, elapsed: Callable[[], float]
) -> None:
    port = bad_server(nothing, lambda request: [answer_to(request, id_offset=1)])

    with pytest.raises(NoReplyError, match=r"no reply within 0\.7 s"):
        ask_udp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=0.7)

    assert 0.6 < elapsed() < 1.5


def test_a_lost_datagram_is_sent_again(bad_server: BadServer, elapsed: Callable[[], float]) -> None:
    requests: list[bytes] = []

    def lose_the_first(request: bytes) -> list[bytes]:
        requests.append(request)
        return [answer_to(request)] if len(requests) > 1 else []

    port = bad_server(nothing, lose_the_first)

    assert ask_udp(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=2).answer
    assert elapsed() < 1


def test_a_closed_port_is_heard_at_once(elapsed: Callable[[], float]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = int(taken.getsockname()[1])

    for ask in (ask_udp, ask_tcp):
        with pytest.raises(NotSentError, match="connection refused"):
            ask(make_question(WWW.key), (HOST, port), clock=CLOCK, seconds=5)

    assert elapsed() < 1


def test_an_unsigned_done_is_not_believed(bad_server: BadServer) -> None:
    def claim(request: bytes) -> list[bytes]:
        # The header alone, turned into a response: opcode kept, NOERROR, empty sections.
        return [framed(request[:2] + bytes([request[2] | 0x80, 0]) + bytes(8))]

    port = bad_server(claim, nothing)
    provider = Rfc2136Provider(settings_for((HOST, port)), SECRET, clock=CLOCK)

    with pytest.raises(LostReplyError, match="without a valid signature"):
        provider.apply(update_of(Change(None, WWW)))


def test_an_unsigned_answer_is_not_believed(bad_server: BadServer) -> None:
    port = bad_server(lambda request: [framed(answer_to(request))], nothing)
    provider = Rfc2136Provider(settings_for((HOST, port)), SECRET, clock=CLOCK)

    with pytest.raises(ServerRefusalError) as caught:
        provider.read([WWW.key])

    assert caught.value.refusal is Refusal.UNSIGNED


@pytest.mark.parametrize(
    ("rcode", "refusal"),
    [
        (dns.rcode.SERVFAIL, Refusal.FAILED),
        (dns.rcode.FORMERR, Refusal.MALFORMED),
        (dns.rcode.NOTIMP, Refusal.NOT_IMPLEMENTED),
    ],
)
def test_a_server_that_fails_is_told_apart(bad_server: BadServer, rcode: int, refusal: Refusal) -> None:
    port = bad_server(
        lambda request: [framed(request[:2] + bytes([request[2] | 0x80, rcode]) + bytes(8))], nothing
    )
    provider = Rfc2136Provider(settings_for((HOST, port)), SECRET, clock=CLOCK)

    with pytest.raises(ServerRefusalError) as caught:
        provider.apply(update_of(Change(None, WWW)))

    assert caught.value.refusal is refusal
    assert caught.value.hint


def test_a_sick_first_server_gives_way_to_the_second(bad_server: BadServer, primary: Named) -> None:
    sick = bad_server(
        lambda request: [framed(request[:2] + bytes([request[2] | 0x80, 2]) + bytes(8))], nothing
    )
    settings = settings_for((HOST, sick), (primary.address, primary.port))
    provider = Rfc2136Provider(settings, SECRET, clock=CLOCK)

    assert provider.apply(update_of(Change(None, WWW))).server == f"{HOST}:{primary.port}"
    assert provider.read([WWW.key]) == {WWW.key: WWW}


def test_a_server_given_by_name_is_looked_up() -> None:
    assert HOST in lookup_addresses("localhost", 5)
    assert find_endpoint("ns.example.test", 53, lambda _name, _seconds: ("192.0.2.1",), 1) == (
        "192.0.2.1",
        53,
    )
    assert find_endpoint("fd77::53", 53, lambda _name, _seconds: (), 1) == ("fd77::53", 53)
    with pytest.raises(NotSentError, match="does not find"):
        find_endpoint("ns.example.test", 53, lambda _name, _seconds: (), 1)
