"""The matrix as text for a terminal. Pure."""

from __future__ import annotations

from failover.dns.exchange import show_endpoint
from failover.dns.matrix import Answer, Matrix
from failover.dns.model import RecordKey, Records, same_values, show_values

HEADER = ("NAME SERVER", "ADDRESS", "SERIAL", "NAME", "TYPE", "VALUES", "TTL", "STATE")


def matrix_rows(matrix: Matrix, wanted: Records | None = None) -> list[tuple[str, ...]]:
    """One row an authority and name, without the header, in the columns of `HEADER`.

    STATE is `agrees` or `differs` from `wanted`, empty for what is not wanted anyhow, or the fault.
    """
    return [
        (
            view.authority.name,
            show_endpoint((view.authority.address or "?", view.authority.port)),
            "-" if view.serial is None else str(view.serial),
            *key,
            "-" if answer.fault else show_values(answer.record),
            str(answer.record.ttl_seconds) if answer.record else "-",
            _state(key, answer, wanted or {}),
        )
        for view in matrix.views
        for key, answer in view.answers
    ]


def matrix_lines(matrix: Matrix, wanted: Records | None = None) -> list[str]:
    """The header and the rows, in columns two spaces apart."""
    rows = [HEADER, *matrix_rows(matrix, wanted)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _state(key: RecordKey, answer: Answer, wanted: Records) -> str:
    if answer.fault is not None:
        return answer.fault.value
    if key not in wanted:
        return ""
    return "agrees" if same_values(answer.record, wanted[key]) else "differs"
