"""Matrices for the unit tests, short to write."""

from __future__ import annotations

from collections.abc import Mapping

from failover.config.settings import DnsSettings
from failover.dns.matrix import Answer, Authority, Fault, Matrix, View
from failover.dns.model import RecordKey, RecordSet
from failover.dns.plan import keys_of, wanted_records
from failover.dns.register import Register


def view(
    settings: DnsSettings,
    number: int,
    register: Register,
    changed: Mapping[RecordKey, RecordSet | None] | None = None,
    *,
    address: str | None = None,
) -> View:
    """What name server `number` says if it has `register`'s records, but for `changed`."""
    records = {**wanted_records(settings, register), **(changed or {})}
    answers = tuple((key, Answer(records[key])) for key in keys_of(settings))
    return View(Authority(f"ns{number}.example.test.", address or f"192.0.2.{number}"), 7, answers)


def faulty(settings: DnsSettings, number: int, fault: Fault, *, address: str | None = None) -> View:
    """A name server that answers nothing."""
    answers = tuple((key, Answer(None, fault, f"ns{number}: {fault.value}")) for key in keys_of(settings))
    return View(Authority(f"ns{number}.example.test.", address or f"192.0.2.{number}"), None, answers)


def matrix(*views: View) -> Matrix:
    return Matrix(views)
