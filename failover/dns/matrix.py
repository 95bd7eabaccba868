"""What every authority of the zone says about every name, at one time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from failover.dns.model import RecordKey, Records, RecordSet, same_values


@dataclass(frozen=True, slots=True, order=True)
class Authority:
    """One address of one name server of the zone. A server with an IPv4 and an IPv6 address counts as two."""

    name: str
    address: str
    port: int = 53


class Fault(StrEnum):
    """Why an authority gave no answer to a question."""

    SILENT = "no reply"
    """It does not answer at all."""
    UNROUTABLE = "no route"
    """This machine has no way to such an address, as is common with IPv6: it says nothing about the server."""
    REFUSED = "refused"
    """It answers and will not, or is no authority for the zone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one authority says about one name and type.

    Without a `fault`, `record` None means that it says there is none; with one, nothing is known.
    """

    record: RecordSet | None
    fault: Fault | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What one authority says about every name asked for; `serial` of its copy of the zone, None if not known."""

    authority: Authority
    serial: int | None
    answers: tuple[tuple[RecordKey, Answer], ...]

    @property
    def fault(self) -> Fault | None:
        """The first fault among the answers."""
        return next((answer.fault for _, answer in self.answers if answer.fault is not None), None)

    def answer(self, key: RecordKey) -> Answer:
        """What it says about `key`.

        Raises:
            KeyError: it was not asked.
        """
        return dict(self.answers)[key]

    def is_agreed(self, wanted: Records) -> bool:
        """Whether it says just what is wanted, for every name that is wanted."""
        answers = dict(self.answers)
        return all(
            key in answers and answers[key].fault is None and same_values(answers[key].record, record)
            for key, record in wanted.items()
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """All authorities, sorted, and what each says."""

    views: tuple[View, ...]

    @property
    def counted(self) -> tuple[View, ...]:
        """The views that a judgement rests on.

        An address that this machine has no way to is left out where the same server was asked at another one.
        """
        reached = {view.authority.name for view in self.views if view.fault is not Fault.UNROUTABLE}
        return tuple(
            view
            for view in self.views
            if view.fault is not Fault.UNROUTABLE or view.authority.name not in reached
        )

    def lagging(self, wanted: Records) -> tuple[View, ...]:
        """The views that do not say what is wanted, for whatever reason."""
        return tuple(view for view in self.counted if not view.is_agreed(wanted))

    def is_agreed(self, wanted: Records) -> bool:
        """Whether there are authorities and every one says what is wanted. An unknown is not agreement."""
        return bool(self.counted) and not self.lagging(wanted)

    def as_json(self) -> list[dict[str, object]]:
        """One object an authority, for `--json`: only strings, numbers, lists and null."""
        return [_view_as_json(view) for view in self.views]


def _view_as_json(view: View) -> dict[str, object]:
    return {
        "name": view.authority.name,
        "address": view.authority.address,
        "port": view.authority.port,
        "serial": view.serial,
        "answers": [_answer_as_json(key, answer) for key, answer in view.answers],
    }


def _answer_as_json(key: RecordKey, answer: Answer) -> Mapping[str, object]:
    record = answer.record
    return {
        "name": key[0],
        "type": key[1],
        "values": sorted(record.values) if record else [],
        "ttl_seconds": record.ttl_seconds if record else None,
        "fault": answer.fault.value if answer.fault else None,
        "detail": answer.detail,
    }
