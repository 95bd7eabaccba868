"""The process around one visitor: `python -m failover.lab.demo.visit NAME ...`, inside a host of the lab.

Writes its ledger to stdout, one JSON line an answer, and ends when its stdin is closed: whoever started it has gone,
or has seen enough.
"""

from __future__ import annotations

import argparse
import http.client
import json
import select
import sys
from random import Random, SystemRandom

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from failover.lab.demo.visitor import Address, Answer, TransportError, Visitor
from failover.system.clock import SystemClock

_QUESTION_SECONDS = 0.5


class Network:
    """The real network, every step bounded: half a second a question to a name server, `timeout_seconds` a connection
    and each read.
    """

    def __init__(
        self, host: str, name_servers: tuple[str, ...], *, timeout_seconds: float, random: Random
    ) -> None:
        self._host = host
        self._name_servers = name_servers
        self._timeout_seconds = timeout_seconds
        self._random = random

    def resolve(self, name: str) -> Address:
        """Ask the name servers in random order, the next one if one does not answer."""
        for server in self._random.sample(self._name_servers, len(self._name_servers)):
            question = dns.message.make_query(name, dns.rdatatype.A)
            try:
                reply = dns.query.udp(question, server, timeout=_QUESTION_SECONDS)
            except (OSError, dns.exception.DNSException):
                continue
            for rrset in reply.answer:
                if rrset.rdtype == dns.rdatatype.A and reply.rcode() == dns.rcode.NOERROR:
                    return Address(rrset[0].to_text(), float(rrset.ttl))
        raise TransportError("no address", was_sent=False)

    def get(self, address: str, path: str) -> Answer:
        """Load a page."""
        return self._request(address, "GET", path, None, {})

    def post_json(self, address: str, path: str, body: dict[str, str]) -> Answer:
        """Post a form as JSON."""
        headers = {"Content-Type": "application/json"}
        return self._request(address, "POST", path, json.dumps(body).encode(), headers)

    def put(self, address: str, path: str, body: bytes) -> Answer:
        """Upload a file."""
        return self._request(address, "PUT", path, body, {})

    def _request(
        self, address: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        connection = http.client.HTTPConnection(address, 80, timeout=self._timeout_seconds)
        was_sent = False
        try:
            connection.connect()
            was_sent = True
            connection.request(method, path, body, headers | {"Host": self._host, "Connection": "close"})
            response = connection.getresponse()
            response.read()
            return Answer(response.status, response.headers.get("X-Served-By"))
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(_reason(error), was_sent=was_sent) from error
        finally:
            connection.close()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (str(error) or type(error).__name__).lower()


def knock(address: str, *, timeout_seconds: float) -> str:
    """What somebody gets who goes to an address, whatever DNS says: `HTTP 200 from web1`, `connection refused`, ..."""
    network = Network(address, (), timeout_seconds=timeout_seconds, random=SystemRandom())
    try:
        answer = network.get(address, "/")
    except TransportError as error:
        return error.reason
    return f"HTTP {answer.status} from {answer.served_by}"


def main() -> int:
    """Visit until stdin is closed, or knock once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--host", required=True, help="the site's name; with --once an address")
    parser.add_argument(
        "--once", action="store_true", help="load one page from that address and say how it went"
    )
    parser.add_argument("--name-server", action="append", default=[], dest="name_servers")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two turns")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds for a connection and for a read")
    arguments = parser.parse_args()
    if arguments.once:
        sys.stdout.write(knock(arguments.host, timeout_seconds=arguments.timeout) + "\n")
        return 0
    random = SystemRandom()
    network = Network(
        arguments.host, tuple(arguments.name_servers), timeout_seconds=arguments.timeout, random=random
    )
    clock = SystemClock()
    visitor = Visitor(
        arguments.name,
        host=arguments.host,
        transport=network,
        clock=lambda: clock.now().timestamp(),
        random=random,
    )
    try:
        while not _is_over(arguments.pause * random.uniform(0.5, 1.5)):
            sys.stdout.write(visitor.act().to_line() + "\n")
            sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.stderr.close()
    return 0


def _is_over(pause_seconds: float) -> bool:
    """Wait a moment; whether stdin was closed meanwhile (nobody ever writes to it)."""
    ready, _, _ = select.select([sys.stdin], [], [], pause_seconds)
    return bool(ready)


if __name__ == "__main__":
    sys.exit(main())
