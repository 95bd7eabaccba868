"""A scripted database session: answers by the beginning of the statement, remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from failover.replication.client import Row, Value

Answer = (
    Sequence[Mapping[str, Value]] | Exception | Callable[[Sequence[Value]], Sequence[Mapping[str, Value]]]
)


@dataclass
class FakeServer:
    """What every session on it shares. `answers` maps the beginning of a statement to rows, an error to raise, or a
    function of the parameters; the longest beginning that fits wins. A statement without an answer is a mistake.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    version: str = "5.5.5-10.11.19-MariaDB-log"
    refusal: Exception | None = None
    """Raised instead of opening a session."""
    said: list[tuple[str, tuple[Value, ...]]] = field(default_factory=list)
    sessions: list[FakeDatabase] = field(default_factory=list)

    def connect(self, statement_seconds: float | None = None) -> FakeDatabase:
        """A new session; this is a Connector."""
        if self.refusal is not None:
            raise self.refusal
        self.sessions.append(FakeDatabase(self, len(self.sessions) + 1, statement_seconds))
        return self.sessions[-1]

    @property
    def statements(self) -> list[str]:
        """Everything that was executed, in order."""
        return [statement for statement, _ in self.said]


@dataclass
class FakeDatabase:
    """One session; this is a Database."""

    server: FakeServer
    session_id: int
    statement_seconds: float | None = None
    is_closed: bool = False

    @property
    def version(self) -> str:
        return self.server.version

    def rows(self, statement: str, parameters: Sequence[Value] = ()) -> tuple[Row, ...]:
        assert not self.is_closed, f"on a closed session: {statement}"
        self.server.said.append((statement, tuple(parameters)))
        fitting = [start for start in self.server.answers if statement.startswith(start)]
        assert fitting, f"no answer for: {statement}"
        answer = self.server.answers[max(fitting, key=len)]
        if isinstance(answer, Exception):
            raise answer
        return tuple(answer(parameters) if callable(answer) else answer)

    def close(self) -> None:
        self.is_closed = True
