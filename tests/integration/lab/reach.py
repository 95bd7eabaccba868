"""What one host of the lab sees of another, measured from inside."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from failover.lab.host import Host

_CONNECT = """
import json, socket, sys, time
began = time.monotonic()
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])).close()
    word = "open"
except TimeoutError:
    word = "silent"
except ConnectionRefusedError:
    word = "refused"
except OSError as error:
    word = error.strerror
print(json.dumps([word, time.monotonic() - began]))
"""
_FETCH = """
import http.client, json, sys
method, name, path, body, kind = sys.argv[1:]
connection = http.client.HTTPConnection(name, 80, timeout=5)
try:
    connection.request(method, path, body.encode() or None, {"Content-Type": kind})
    response = connection.getresponse()
    print(json.dumps([response.status, response.read().decode()]))
except OSError as error:
    print(json.dumps([0, str(error)]))
"""
_FORM = "application/x-www-form-urlencoded"
_SEND = """
import socket, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as to:
    began = time.monotonic()
    to.sendall(bytes(int(sys.argv[3])))
    to.shutdown(socket.SHUT_WR)
    to.recv(1)
    print(time.monotonic() - began)
"""
_RECEIVE = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
    while connection.recv(65536):
        pass
    connection.send(b"x")
"""
_DATAGRAMS = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
    for _ in range(int(sys.argv[3])):
        to.sendto(b"x", (sys.argv[1], int(sys.argv[2])))
        time.sleep(0.0005)
"""
_COUNT = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(("", int(sys.argv[1])))
    print("ready", flush=True)
    count = 0
    server.settimeout(5)
    try:
        while True:
            server.recv(10)
            count += 1
            server.settimeout(0.5)
    except TimeoutError:
        print(count)
"""


@dataclass(frozen=True)
class Reach:
    """`word` is open, silent, refused, or what the kernel said."""

    word: str
    seconds: float


def connect(host: Host, to: Host, *, port: int = 22, limit: float = 1.0) -> Reach:
    """How a TCP connection from one to the other goes."""
    argv = (sys.executable, "-c", _CONNECT, to.address, str(port), str(limit))
    return Reach(*json.loads(host.run(argv).stdout))


def seconds_to_send(host: Host, to: Host, size: int) -> float:
    """How long so many bytes take."""
    with to.popen((sys.executable, "-c", _RECEIVE, "7000"), stdout=-1) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == b"ready\n"
        argv = (sys.executable, "-c", _SEND, to.address, "7000", str(size))
        return float(host.run(argv, timeout_seconds=40).stdout)


def datagrams_arrived(host: Host, to: Host, count: int) -> int:
    """How many of so many datagrams arrive."""
    with to.popen((sys.executable, "-c", _COUNT, "7001"), stdout=-1) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == b"ready\n"
        host.run((sys.executable, "-c", _DATAGRAMS, to.address, "7001", str(count)), timeout_seconds=30)
        return int(receiver.stdout.read())


def fetch(
    host: Host, method: str, path: str, *, name: str, body: str = "", kind: str = _FORM
) -> tuple[int, str]:
    """What a web server answers; status 0 is no answer."""
    status, text = json.loads(host.run((sys.executable, "-c", _FETCH, method, name, path, body, kind)).stdout)
    return int(status), str(text)
