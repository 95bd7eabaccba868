"""A plan: what an operation will do, as data. Made by a pure function, printed, checksummed, kept in the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from failover.config.settings import SwitchoverSettings


class Operation(StrEnum):
    """What an operation is for."""

    INIT = "init"
    PLANNED = "planned"
    PRIMARY_DEAD = "primary-dead"


class StepName(StrEnum):
    """Every step there is. The value stands in the journal and in `--json` events and is never renamed."""

    HOLD_SITE = "hold-site"
    PRE_SYNC = "pre-sync"
    FREEZE_DATABASE = "freeze-database"
    DRAIN_MIRROR = "drain-mirror"
    WAIT_APPLIED = "wait-applied"
    FENCE_OLD_PRIMARY = "fence-old-primary"
    DRAIN_RELAY_LOG = "drain-relay-log"
    RECORD_LOSS = "record-loss"
    TAKE_EPOCH = "take-epoch"
    PROMOTE_DATABASE = "promote-database"
    START_SITE = "start-site"
    MOVE_DNS = "move-dns"
    VERIFY_DNS = "verify-dns"
    ATTACH_OLD_PRIMARY = "attach-old-primary"
    REVERSE_MIRROR = "reverse-mirror"
    CREATE_REGISTER = "create-register"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step: what it will do, how it is undone (None: it is not, and nothing needs to be), its time limit."""

    name: StepName
    does: str
    undo: str | None
    limit_seconds: float
    is_after_return: bool
    """Whether it comes after the point of no return: from there on an operation only goes forward."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that take an operation from `old` to `new`. `epoch` is the one that it ends in."""

    operation: Operation
    old: str
    new: str
    epoch: int
    steps: tuple[PlannedStep, ...]

    @property
    def checksum(self) -> str:
        """Twelve hexadecimal digits that stand for exactly this plan (`--plan CHECKSUM` requires it)."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """As JSON: what the journal keeps."""
        return asdict(self)


def plan_from(data: Mapping[str, Any]) -> Plan:
    """Back from the journal."""
    steps = tuple(PlannedStep(**(step | {"name": StepName(step["name"])})) for step in data["steps"])
    return Plan(Operation(data["operation"]), data["old"], data["new"], data["epoch"], steps)


def make_plan(
    operation: Operation, *, old: str, new: str, epoch: int, limits: SwitchoverSettings, agree_seconds: float
) -> Plan:
    """The plan that ends with `new` as primary in `epoch`. The same facts always give the same plan."""
    make = {Operation.INIT: _init, Operation.PLANNED: _planned, Operation.PRIMARY_DEAD: _primary_dead}[
        operation
    ]
    return Plan(operation, old, new, epoch, make(old, new, epoch, limits, agree_seconds))


def _step(
    name: StepName, does: str, limit: float, *, undo: str | None = None, after: bool = False
) -> PlannedStep:
    return PlannedStep(name, does, undo, limit, after)


def _planned(
    old: str, new: str, epoch: int, limits: SwitchoverSettings, agree: float
) -> tuple[PlannedStep, ...]:
    return (
        _step(
            StepName.PRE_SYNC,
            f"send what waits on {old} while it still serves",
            limits.mirror_timeout_seconds,
        ),
        _step(
            StepName.HOLD_SITE,
            f"run the leave-primary hooks on {old}: visitors wait from here",
            limits.hook_timeout_seconds,
            undo=f"run the enter-primary hooks on {old}",
        ),
        _step(
            StepName.FREEZE_DATABASE,
            f"make the database on {old} read-only, end its sessions, prove both",
            limits.freeze_timeout_seconds,
            undo=f"make the database on {old} writable again",
        ),
        _step(
            StepName.DRAIN_MIRROR,
            f"send the last changes to {new}, wait for its checkpoint, stop the mirror on {old}",
            limits.mirror_timeout_seconds,
            undo=f"start the mirror on {old} again",
        ),
        _step(
            StepName.WAIT_APPLIED,
            f"wait until {new} has applied the last transaction of {old}",
            limits.apply_timeout_seconds,
        ),
        *_take_over(old, new, epoch, limits, agree),
        _step(
            StepName.ATTACH_OLD_PRIMARY,
            f"make the database on {old} a standby of {new}",
            limits.apply_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.REVERSE_MIRROR,
            f"run the enter-standby hooks on {old}; {new} mirrors to {old}",
            limits.hook_timeout_seconds,
            after=True,
        ),
    )


def _primary_dead(
    old: str, new: str, epoch: int, limits: SwitchoverSettings, agree: float
) -> tuple[PlannedStep, ...]:
    return (
        _step(
            StepName.FENCE_OLD_PRIMARY,
            f"freeze and stop whatever of {old} still answers; it gets nothing of it back",
            limits.freeze_timeout_seconds,
        ),
        _step(
            StepName.DRAIN_RELAY_LOG,
            f"apply every transaction that {new} has received",
            limits.apply_timeout_seconds,
        ),
        _step(
            StepName.RECORD_LOSS,
            f"write down on {new} what is known to be missing",
            limits.hook_timeout_seconds,
        ),
        *_take_over(old, new, epoch, limits, agree),
    )


def _take_over(
    old: str, new: str, epoch: int, limits: SwitchoverSettings, agree: float
) -> tuple[PlannedStep, ...]:
    return (
        _step(
            StepName.TAKE_EPOCH,
            f"epoch {epoch}: {new} is primary, {old} is standby; written on every node that answers",
            limits.hook_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.PROMOTE_DATABASE,
            f"detach the database on {new} and open it for writes",
            limits.apply_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.START_SITE,
            f"run the enter-primary hooks on {new}",
            limits.hook_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.MOVE_DNS,
            f"move all names and the register to {new} in one update, if nobody else changed them",
            agree,
            after=True,
        ),
        _step(StepName.VERIFY_DNS, "ask every authority until all agree", agree, after=True),
    )


def _init(
    old: str, new: str, epoch: int, limits: SwitchoverSettings, agree: float
) -> tuple[PlannedStep, ...]:
    return (
        _step(
            StepName.CREATE_REGISTER,
            f"write the register: epoch {epoch}, primary {new}; create names that are missing",
            agree,
            after=True,
        ),
        _step(
            StepName.TAKE_EPOCH,
            f"epoch {epoch}: {new} is primary, {old} is standby; written on both nodes",
            limits.hook_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.PROMOTE_DATABASE,
            f"see that the database on {new} takes writes, open it if not",
            limits.apply_timeout_seconds,
            after=True,
        ),
        _step(
            StepName.START_SITE,
            f"run the enter-primary hooks on {new}",
            limits.hook_timeout_seconds,
            after=True,
        ),
        _step(StepName.VERIFY_DNS, "ask every authority until all agree", agree, after=True),
    )
