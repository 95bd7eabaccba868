"""A switchover as it happens: a line a step with its seconds, or events as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from failover.cli.output import finding_as_json, paint, print_error, print_findings
from failover.dns.matrix import Matrix
from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.switchover.execute import Event, Outcome, Report
from failover.switchover.journal import Kind
from failover.switchover.plan import Operation, Plan, StepName

_VERBS = {
    Outcome.DONE: "done",
    Outcome.UNDONE: "failed; everything begun was undone",
    Outcome.DNS_PENDING: "moved, but DNS is not everywhere yet: failover switchover --resume",
    Outcome.PARTIAL: "stopped half-way: failover switchover --resume",
}


class Reporter:
    """Tells the operator, on stdout: text for a person or JSON lines for a program."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._is_live = not is_json and sys.stdout.isatty()

    def plan(
        self, plan: Plan, findings: Sequence[Finding], accepted: Collection[Code], *, is_dry_run: bool
    ) -> None:
        """The plan and the findings, before anything is done. In full for a dry run."""
        if self._is_json:
            steps = [asdict(step) | {"name": step.name.value} for step in plan.steps]
            self._line(
                event="plan",
                operation=plan.operation.value,
                old=plan.old,
                new=plan.new,
                epoch=plan.epoch,
                checksum=plan.checksum,
                steps=steps,
                findings=[finding_as_json(found) for found in findings],
            )
            return
        print_findings((found for found in findings if found.severity > Severity.OK), sys.stdout)
        for code in sorted({found.code for found in findings if found.blocks} & set(accepted)):
            print(f"accepted by name: {code}")
        if not is_dry_run:
            return
        print(f"plan {plan.checksum}: {plan.operation}, {plan.old} to {plan.new}, epoch {plan.epoch}")
        is_after = False
        for number, step in enumerate(plan.steps, 1):
            if step.is_after_return and not is_after:
                print(paint("    -- point of no return: from here on only forward --", "dim", sys.stdout))
                is_after = True
            print(f"{number:3} {step.name:20} {step.does} (at most {step.limit_seconds:g} s)")
            if step.undo:
                print(paint(f"{'':24} undo: {step.undo}", "dim", sys.stdout))

    def event(self, event: Event) -> None:
        """A step that began, ended or was undone."""
        if self._is_json:
            self._line(
                event="step",
                step=event.step.value,
                state=event.state.value,
                seconds=event.seconds,
                since_start_seconds=event.since_start_seconds,
                error=None if event.error is None else event.error.message,
                result=event.result,
            )
            return
        if event.state in {Kind.STARTED, Kind.UNDOING}:
            if self._is_live:
                print(f"  … {event.step:20} {event.does}", end="\r", flush=True)
            return
        mark, colour = {Kind.DONE: ("✓", "green"), Kind.UNDONE: ("↶", "yellow")}.get(
            event.state, ("✗", "red")
        )
        clear = "\x1b[2K" if self._is_live else ""
        words = event.does if event.error is None else event.error.message
        print(
            f"{clear}  {paint(mark, colour, sys.stdout)} {event.step:20} {event.seconds or 0:6.2f} s  {words}"
        )
        self._details(event)

    def dns(self, matrix: Matrix) -> None:
        """What the authorities say while they are waited for: a line on a terminal, nothing in JSON."""
        if self._is_live:
            said = " ".join(
                f"{view.authority.name}{'?' if view.fault else ''}={view.serial}" for view in matrix.views
            )
            print(f"\x1b[2K  … authorities: {said}", end="\r", flush=True)

    def finished(self, operation: str, plan: Plan, report: Report) -> int:
        """The end: how it went, in seconds; the exit status."""
        loss = report.results.get(StepName.RECORD_LOSS, {}).get("report")
        if self._is_json:
            self._line(
                event="finished",
                operation=operation,
                outcome=report.outcome.value,
                seconds=report.seconds,
                write_block_seconds=report.write_block_seconds,
                errors={step.value: error.message for step, error in report.errors.items()},
                loss=loss,
            )
            return report.outcome.exit_status
        word = paint(_VERBS[report.outcome], "green" if report.outcome is Outcome.DONE else "red", sys.stdout)
        blocked = (
            ""
            if report.write_block_seconds is None
            else f", writes blocked for {report.write_block_seconds:.2f} s"
        )
        print(f"{word} in {report.seconds:.2f} s{blocked} ({operation})")
        for error in report.errors.values():
            print_error(error)
        if plan.operation is Operation.PRIMARY_DEAD and loss is not None:
            self._loss(loss)
        return report.outcome.exit_status

    def _details(self, event: Event) -> None:
        for line in event.result.get("changes", ()):
            print(f"{'':35}{line}")
        for line in event.result.get("not_fenced", ()):
            print(f"{'':35}not fenced: {line}")

    def _loss(self, loss: dict[str, Any]) -> None:
        print(f"loss: {loss['new']} has {loss['old']} up to transaction {loss['position'] or 'none'}")
        for mirror in loss["mirrors"]:
            print(
                f"loss: mirror {mirror['mirror']} is complete up to {mirror['checkpoint'] or 'no known moment'}; "
                f"{len(mirror['announced'])} paths were announced and did not arrive"
            )
        print(f"when {loss['old']} is back: failover loss --complete lists every transaction and file")

    def _line(self, **fields: Any) -> None:
        print(json.dumps(fields), flush=True)
