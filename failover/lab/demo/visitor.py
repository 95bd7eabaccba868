"""One visitor of the site: resolves its name, loads pages, posts comments, uploads files, writes down every answer.

`Visitor` decides, without a clock or a network; `failover.lab.demo.visit` runs one as a process inside the lab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from failover.lab.demo.ledger import Entry, Kind, Outcome

TURNS = (Kind.PAGE, Kind.COMMENT, Kind.PAGE, Kind.UPLOAD)
"""What a visitor does, over and over."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a name server answered: an address, and for how many seconds it may be kept."""

    address: str
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site answered: HTTP status, the node that says it served it."""

    status: int
    served_by: str | None


class TransportError(Exception):
    """No answer. `was_sent`: the request may have reached the site, so a write may have happened."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent


class Transport(Protocol):
    """The network as a visitor needs it. Every call is bounded in time."""

    def resolve(self, name: str) -> Address:
        """Ask a name server. Raises TransportError."""
        ...

    def get(self, address: str, path: str) -> Answer:
        """Load a page. Raises TransportError."""
        ...

    def post_json(self, address: str, path: str, body: dict[str, str]) -> Answer:
        """Post a form. Raises TransportError."""
        ...

    def put(self, address: str, path: str, body: bytes) -> Answer:
        """Upload a file. Raises TransportError."""
        ...


class AddressCache:
    """A stub resolver's cache: asks again when the TTL is over and never before, whatever happens to the address."""

    def __init__(self, ask: Callable[[str], Address]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[str, float]] = {}

    def address_of(self, name: str, *, now: float) -> str:
        """The address of a name at `now` (seconds of any clock). Raises TransportError if it has to ask in vain."""
        known = self._known.get(name)
        if known is not None and now < known[1]:
            return known[0]
        answer = self._ask(name)
        self._known[name] = (answer.address, now + answer.ttl_seconds)
        return answer.address


class Visitor:
    """Does one thing a turn, and tells what came of it. What did not work is tried again with a new token.

    A new token, because after an unknown outcome the same one could be there twice or be taken for the other.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str,
        transport: Transport,
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        self.name = name
        self._host = host
        self._transport = transport
        self._clock = clock
        self._random = random
        self._addresses = AddressCache(transport.resolve)
        self._turn = random.randrange(len(TURNS))
        self._count = 0

    def act(self) -> Entry:
        """The next turn, or the last one again if it came to nothing. Takes as long as the transport's limits."""
        kind = TURNS[self._turn % len(TURNS)]
        entry = self._try(kind)
        if entry.outcome is Outcome.ACKNOWLEDGED:
            self._turn += 1
        return entry

    def _try(self, kind: Kind) -> Entry:
        self._count += 1
        # Fixed width, and unique over the visitors: no token is a part of another one, so a text that holds it means it.
        token = f"{kind.value}-{self.name}-{self._count:06d}-{self._random.getrandbits(32):08x}"
        began_at = self._clock()
        address: str | None = None
        answer: Answer | None = None
        try:
            address = self._addresses.address_of(self._host, now=began_at)
            answer = self._ask(kind, address, token)
            outcome, reason = judge_answer(answer)
        except TransportError as error:
            outcome = Outcome.UNKNOWN if error.was_sent and kind.is_write else Outcome.REFUSED
            reason = error.reason
        return Entry(
            visitor=self.name,
            kind=kind,
            token=token,
            outcome=outcome,
            began_at=began_at,
            at=self._clock(),
            served_by=None if answer is None else answer.served_by,
            address=address,
            reason=reason,
        )

    def _ask(self, kind: Kind, address: str, token: str) -> Answer:
        if kind is Kind.COMMENT:
            body = {"token": token, "body": f"{self.name} was here"}
            return self._transport.post_json(address, "/comments", body)
        if kind is Kind.UPLOAD:
            size = self._random.choice((200, 2_000, 20_000))
            return self._transport.put(address, f"/uploads/{token}", self._random.randbytes(size))
        return self._transport.get(address, "/")


def judge_answer(answer: Answer) -> tuple[Outcome, str | None]:
    """What a visitor makes of a status: 2xx is a promise, 4xx a refusal, anything else leaves it in the dark."""
    if 200 <= answer.status < 300:
        return Outcome.ACKNOWLEDGED, None
    reason = f"HTTP {answer.status}"
    return (Outcome.REFUSED if 400 <= answer.status < 500 else Outcome.UNKNOWN), reason
