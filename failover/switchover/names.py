"""The pair's names in DNS, as a switchover uses them: look, create, move, verify."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from failover.config.settings import DnsSettings
from failover.dns.matrix import Authority, Matrix
from failover.dns.model import Records
from failover.dns.plan import (
    is_done,
    keys_of,
    plan_creation,
    plan_move,
    plan_rehearsal,
    register_key,
    wanted_records,
)
from failover.dns.propagation import Propagation
from failover.dns.provider import DnsProvider
from failover.dns.register import Register, RegisterState, parse_register
from failover.errors import DeadlineError, FailoverError
from failover.model.codes import Code
from failover.switchover.step import StepResult


@dataclass(frozen=True, slots=True)
class DnsView:
    """What DNS says at one moment. A None is not known; `troubles` says why."""

    register: RegisterState | None
    """By the server that takes updates."""
    matrix: Matrix | None
    """By every authority."""
    troubles: tuple[str, ...] = ()


class Names:
    """One zone's moving names. `accepted` are findings that shall not stand in a move's way."""

    def __init__(
        self,
        settings: DnsSettings,
        provider: DnsProvider,
        propagation: Propagation,
        *,
        accepted: Collection[Code] = (),
        progress: Callable[[Matrix], None] | None = None,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._propagation = propagation
        self._accepted = accepted
        self._progress = progress
        self._authorities: tuple[Authority, ...] = ()

    def look(self) -> DnsView:
        """Ask once. Never raises for what does not answer."""
        troubles: list[str] = []
        register: RegisterState | None = None
        matrix: Matrix | None = None
        try:
            register = parse_register(self._read()[register_key(self._settings)])
        except FailoverError as error:
            troubles.append(error.message)
        try:
            matrix = self._propagation.ask_all(self._find_authorities(), keys_of(self._settings))
        except FailoverError as error:
            troubles.append(error.message)
        return DnsView(register, matrix, tuple(dict.fromkeys(troubles)))

    def rehearse(self) -> None:
        """Prove that an update would be taken: the key, its policy, both clocks. Changes nothing.

        Asks for exactly what is there (an update that changes nothing leaves the serial as it is); nothing to do
        where nothing is there yet.

        Raises:
            DnsError: it would not be, and why.
        """
        update = plan_rehearsal(self._settings, self._read())
        if update is not None:
            self._provider.apply(update)

    def create(self, *, new: str, epoch: int) -> StepResult:
        """Write the register for the first time, and the names that are missing; done already is fine."""
        wanted, current = Register(epoch, new), self._read()
        if is_done(self._settings, current, wanted):
            return {"changes": []}
        update = plan_creation(self._settings, current, wanted=wanted, accepted=self._accepted)
        self._provider.apply(update)
        return {"changes": list(update.lines)}

    def move(self, *, old: str, new: str, epoch: int) -> StepResult:
        """Move every name and the register in one update; done already is fine.

        The register may be behind `epoch` by more than one: a node may have taken an epoch that never reached DNS.
        It must not be ahead of it, nor name another primary in an epoch of the same number.
        """
        wanted, current = Register(epoch, new), self._read()
        if is_done(self._settings, current, wanted):
            return {"changes": []}
        update = plan_move(
            self._settings,
            current,
            expected=self._expected(current, wanted, old),
            wanted=wanted,
            accepted=self._accepted,
        )
        outcome = self._provider.apply(update)
        return {"changes": list(update.lines), "server": outcome.server}

    def preview(self, *, old: str, new: str, epoch: int) -> tuple[str, ...]:
        """What a move would change, a line a record. Raises as `move`; changes nothing."""
        wanted, current = Register(epoch, new), self._read()
        expected = self._expected(current, wanted, old)
        return plan_move(
            self._settings, current, expected=expected, wanted=wanted, accepted=self._accepted
        ).lines

    def verify(self, *, new: str, epoch: int, timeout_seconds: float) -> StepResult:
        """Wait until every authority agrees.

        Raises:
            DeadlineError: some do not in time; names them.
        """
        wanted: Records = wanted_records(self._settings, Register(epoch, new))
        matrix = self._propagation.wait_until_agreed(
            self._find_authorities(), wanted, seconds=timeout_seconds, progress=self._progress
        )
        if not matrix.is_agreed(wanted):
            behind = ", ".join(
                f"{view.authority.name} ({view.authority.address})" for view in matrix.lagging(wanted)
            )
            raise DeadlineError(
                f"not every authority agrees after {timeout_seconds:g} s: {behind or 'none was found'}",
                hint="failover switchover --resume asks again",
            )
        return {"authorities": len(matrix.counted)}

    def _expected(self, current: Records, wanted: Register, old: str) -> Register:
        found = parse_register(current[register_key(self._settings)])
        if isinstance(found, Register) and found.epoch < wanted.epoch:
            return found
        return Register(wanted.epoch - 1, old)

    def _read(self) -> Records:
        return self._provider.read(keys_of(self._settings))

    def _find_authorities(self) -> tuple[Authority, ...]:
        if not self._authorities:
            self._authorities = self._propagation.find_authorities()
        return self._authorities
