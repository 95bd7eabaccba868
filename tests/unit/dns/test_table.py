from __future__ import annotations

from failover.config.settings import DnsSettings
from failover.dns.matrix import Fault
from failover.dns.plan import wanted_records
from failover.dns.register import Register
from failover.dns.table import HEADER, matrix_lines, matrix_rows
from tests.unit.dns.matrices import faulty, matrix, view

NOW, NEXT = Register(5, "alpha"), Register(6, "bravo")


def test_a_row_says_who_says_what_and_whether_it_is_wanted(settings: DnsSettings) -> None:
    shown = matrix(view(settings, 1, NOW), view(settings, 2, NEXT), faulty(settings, 3, Fault.SILENT))

    rows = [
        row
        for row in matrix_rows(shown, wanted_records(settings, NEXT))
        if row[3:5] == ("example.test.", "A")
    ]

    assert rows == [
        ("ns1.example.test.", "192.0.2.1", "7", "example.test.", "A", "10.77.0.11", "60", "differs"),
        ("ns2.example.test.", "192.0.2.2", "7", "example.test.", "A", "10.77.0.12", "60", "agrees"),
        ("ns3.example.test.", "192.0.2.3", "-", "example.test.", "A", "-", "-", "no reply"),
    ]


def test_without_a_wish_there_is_no_verdict(settings: DnsSettings) -> None:
    assert {row[-1] for row in matrix_rows(matrix(view(settings, 1, NOW)))} == {""}


def test_lines_stand_in_columns(settings: DnsSettings) -> None:
    lines = matrix_lines(matrix(view(settings, 1, NOW)), wanted_records(settings, NOW))

    assert lines[0].split() == " ".join(HEADER).split()
    assert len({line.index("  ", line.index("ns1") if "ns1" in line else 0) for line in lines[1:]}) == 1
    assert len({line.rindex("agrees") for line in lines[1:]}) == 1
    assert lines[0].index("STATE") == lines[1].rindex("agrees")
