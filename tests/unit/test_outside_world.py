from __future__ import annotations

import socket
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import OutsideWorldError


def test_a_unit_test_cannot_connect_to_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream, pytest.raises(OutsideWorldError):
        stream.connect(("192.0.2.1", 80))


def test_a_unit_test_cannot_send_a_datagram() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagram, pytest.raises(OutsideWorldError):
        datagram.sendto(b"x", ("2001:db8::1", 53))


def test_a_unit_test_cannot_look_up_a_name() -> None:
    with pytest.raises(OutsideWorldError):
        socket.create_connection(("www.example.test", 80))


def test_a_unit_test_cannot_start_a_process() -> None:
    with pytest.raises(OutsideWorldError):
        subprocess.run(["true"], check=False)


def test_a_unit_test_cannot_sleep() -> None:
    with pytest.raises(OutsideWorldError):
        time.sleep(0)


def test_a_socket_pair_works() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"hello")

        assert right.recv(5) == b"hello"


@given(st.integers())
def test_hypothesis_works(number: int) -> None:
    assert number == int(str(number))
