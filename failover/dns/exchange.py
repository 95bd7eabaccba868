"""One question, one reply, one server, within a time limit.

dnspython's own senders count their time limits on the wall clock, which may jump, and do not tell a question that was
never sent from a reply that was lost; for an update that difference is everything.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Callable
from typing import TypeAlias

import dns.exception
import dns.flags
import dns.inet
import dns.message

from failover.dns.faults import NoReplyError, NotSentError
from failover.system.clock import Clock
from failover.system.deadline import Deadline

Endpoint: TypeAlias = tuple[str, int]
"""An address and a port."""

Lookup: TypeAlias = Callable[[str, float], tuple[str, ...]]
"""The addresses of a host name as this machine sees it, within that many seconds; empty if there are none."""

_UNROUTABLE = frozenset({errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_DATAGRAM_BYTES = 65535
_RESEND_SECONDS = 0.5


def show_endpoint(endpoint: Endpoint) -> str:
    """`10.77.0.2` for port 53, else `127.0.0.1:5300` or `[::1]:5300`."""
    address, port = endpoint
    if port == 53:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def find_endpoint(address: str, port: int, lookup: Lookup, seconds: float) -> Endpoint:
    """Where a server is that the configuration gives by address or by name; a name is looked up.

    Raises:
        NotSentError: the name has no address, or none within `seconds`.
    """
    if dns.inet.is_address(address):
        return address, port
    addresses = lookup(address, seconds)
    if not addresses:
        raise NotSentError(f"{address}: this host does not find its address")
    return addresses[0], port


def ask_tcp(
    message: dns.message.Message, endpoint: Endpoint, *, clock: Clock, seconds: float
) -> dns.message.Message:
    """The reply over TCP (RFC 7766). If `message` is signed, so is the reply, or it has not `had_tsig`.

    Raises:
        NotSentError: no connection; the server knows nothing of the question.
        NoReplyError: no whole reply; the server may have acted.
        dns.exception.DNSException: a reply that cannot be read, or a TSIG error (dns.tsig).
    """
    wire = message.to_wire()
    deadline = Deadline(clock, seconds)
    where = show_endpoint(endpoint)
    try:
        connection = socket.create_connection(endpoint, timeout=_left(deadline))
    except OSError as error:
        raise _not_sent(where, error, seconds) from error
    with connection:
        try:
            connection.settimeout(_left(deadline))
            connection.sendall(struct.pack("!H", len(wire)) + wire)
            (size,) = struct.unpack("!H", _receive(connection, 2, deadline))
            reply = _receive(connection, size, deadline)
        except OSError as error:
            raise NoReplyError(f"{where}: {_reason(error, seconds)}") from error
    return _parse(reply, message)


def ask_udp(
    message: dns.message.Message, endpoint: Endpoint, *, clock: Clock, seconds: float
) -> dns.message.Message:
    """The reply over UDP, asked again after half a second; over TCP if it does not fit a datagram.

    Raises:
        NotSentError: no route, or nothing listens there.
        NoReplyError: no reply in time.
        dns.exception.DNSException: a reply that cannot be read.
    """
    deadline = Deadline(clock, seconds)
    where = show_endpoint(endpoint)
    family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            # A connected socket takes datagrams from that server only, and hears at once if its port is closed.
            channel.connect(endpoint)
            reply = _converse(channel, message, deadline)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise NoReplyError(f"{where}: {_reason(error, seconds)}") from error
        raise _not_sent(where, error, seconds) from error
    if reply.flags & dns.flags.TC:
        return ask_tcp(message, endpoint, clock=clock, seconds=_left(deadline))
    return reply


def lookup_addresses(name: str, seconds: float) -> tuple[str, ...]:
    """The addresses of `name` as this machine's resolver sees it; empty if it has none or takes too long.

    The C library's lookup cannot be bounded, so a thread is left to it.
    """
    found: list[str] = []

    def look() -> None:
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=look, name=f"lookup {name}", daemon=True)
    thread.start()
    thread.join(seconds)
    return () if thread.is_alive() else tuple(found)


def _converse(
    channel: socket.socket, message: dns.message.Message, deadline: Deadline
) -> dns.message.Message:
    wire = message.to_wire()
    while True:
        channel.send(wire)
        again = min(_RESEND_SECONDS, _left(deadline))
        try:
            return _next_reply(channel, message, deadline, again)
        except TimeoutError:
            if deadline.is_over:
                raise


def _next_reply(
    channel: socket.socket, message: dns.message.Message, deadline: Deadline, seconds: float
) -> dns.message.Message:
    """The first datagram that answers `message`; strangers and late replies to other questions are dropped."""
    end = deadline.left_seconds - seconds
    while (left := deadline.left_seconds - end) > 0:
        channel.settimeout(left)
        datagram = channel.recv(_DATAGRAM_BYTES)
        try:
            return _parse(datagram, message)
        except dns.exception.DNSException:
            continue
    raise TimeoutError


def _parse(wire: bytes, question: dns.message.Message) -> dns.message.Message:
    try:
        reply = dns.message.from_wire(wire, keyring=question.keyring, request_mac=question.mac)
    except dns.exception.FormError:
        # dnspython since 2.9 calls a missing signature malformed; what an unsigned reply is worth, the caller knows.
        reply = dns.message.from_wire(wire, keyring=False)
        if reply.had_tsig or not question.had_tsig:
            raise
    if not question.is_response(reply):
        raise dns.exception.FormError
    return reply


def _receive(connection: socket.socket, size: int, deadline: Deadline) -> bytes:
    received = b""
    while len(received) < size:
        connection.settimeout(_left(deadline))
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionResetError(errno.ECONNRESET, "connection closed before the reply")
        received += part
    return received


def _left(deadline: Deadline) -> float:
    """What is left of the deadline, for a socket: 0 would mean "never wait" there."""
    return max(deadline.left_seconds, 0.001)


def _not_sent(where: str, error: OSError, seconds: float) -> NotSentError:
    return NotSentError(
        f"{where}: {_reason(error, seconds)}",
        is_unroutable=error.errno in _UNROUTABLE,
    )


def _reason(error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no reply within {seconds:g} s"
    return (error.strerror or str(error)).lower()
