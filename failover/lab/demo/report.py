"""What the demo says at its end, on stdout: the timelines, the loss report beside the ledger, what held. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from failover.lab.demo.ledger import AdmittedLoss, Entry, Judgement, Kind
from failover.lab.demo.timeline import Moment
from failover.lab.demo.verdict import Check, DeadAct, DemoResult, PlannedAct

_ROWS = 12


def render(result: DemoResult) -> RenderableType:
    """The whole report, for rich to print."""
    parts: list[RenderableType] = []
    if result.planned is not None:
        parts += [
            _headline("Planned switchover"),
            _timeline(result.planned.moments),
            _planned(result.planned),
        ]
    if result.dead is not None:
        parts += [_headline("The primary dies"), _timeline(result.dead.moments), _dead(result.dead)]
        parts += [_headline("The loss report beside the visitors' ledger"), _loss(result.dead)]
    parts += [_headline("What had to hold"), _checks(result.checks())]
    if result.error is not None:
        parts.append(Text(f"✗ the story stopped: {result.error}", style="red"))
    parts.append(_last_line(result))
    return Group(*parts)


def _headline(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _timeline(moments: Sequence[Moment]) -> Table:
    table = Table("seconds", "who", "what", box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.columns[0].justify = "right"
    for moment in moments:
        table.add_row(f"{moment.seconds:+.2f}", Text(moment.who, style="dim"), Text(moment.what))
    return table


def _planned(act: PlannedAct) -> Text:
    return Text(
        f"Nobody could write for {_seconds(act.write_block_seconds)} by the switchover's account; the longest gap"
        f" between two writes of all visitors was {_seconds(act.visitors_gap_seconds)} (their DNS cache included)."
        f" {act.judgement.acknowledged} writes acknowledged, {act.lost_writes} lost."
    )


def _dead(act: DeadAct) -> Table:
    data = act.to_json()
    table = Table("from the command to", "seconds", box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.columns[1].justify = "right"
    table.add_row("database writable", _seconds(data["database_writable_seconds"]))
    table.add_row("DNS agreed at every authority", _seconds(data["dns_agreed_seconds"]))
    table.add_row("first visit served", _seconds(data["first_visit_seconds"]))
    return table


def _loss(act: DeadAct) -> RenderableType:
    judgement, admitted = act.judgement, act.admitted
    table = Table(
        "", "lost, by the ledger", "of them listed", box=None, header_style="dim", padding=(0, 2, 0, 0)
    )
    for kind, name in ((Kind.COMMENT, "comments (database)"), (Kind.UPLOAD, "uploads (files)")):
        lost, listed = judgement.count_lost(kind), judgement.count_reported(kind)
        table.add_row(name, str(lost), Text(str(listed), style="" if lost == listed else "red"))
    lines: list[RenderableType] = [
        Text(
            f"{judgement.acknowledged} writes were acknowledged; {judgement.acknowledged - len(judgement.lost)} are"
            f" on the primary. The report lists {len(admitted.transactions)} transactions and"
            f" {len(admitted.files)} files (also what nobody had been promised)."
        ),
        table,
    ]
    if judgement.lost:
        lines.append(_lost_writes(judgement, admitted))
    if judgement.false_alarms:
        lines.append(
            Text(f"{len(judgement.false_alarms)} listed as lost are there all the same", style="yellow")
        )
    return Group(*lines)


def _lost_writes(judgement: Judgement, admitted: AdmittedLoss) -> Table:
    table = Table("lost write", "visitor", "loss report", box=None, header_style="dim", padding=(0, 2, 0, 0))
    # What is not listed comes first: it is what a person has to see.
    lost = sorted(judgement.lost, key=lambda entry: (admitted.lists(entry), entry.at))
    for entry in lost[:_ROWS]:
        table.add_row(entry.token, entry.visitor, _listed(entry, admitted))
    if len(lost) > _ROWS:
        table.add_row(f"and {len(lost) - _ROWS} more", "", "")
    return table


def _listed(entry: Entry, admitted: AdmittedLoss) -> Text:
    return Text("listed") if admitted.lists(entry) else Text("NOT LISTED", style="red")


def _checks(checks: Sequence[Check]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        mark = Text("✓", style="green") if check.is_true else Text("✗", style="red")
        table.add_row(mark, check.what, Text(check.seen, style="dim" if check.is_true else "red"))
    return table


def _last_line(result: DemoResult) -> Text:
    if result.is_held:
        return Text(f"\nAll of it held. {result.seconds:.0f} s from nothing to here.", style="bold green")
    return Text(f"\nIt did not hold. {result.seconds:.0f} s.", style="bold red")


def _seconds(value: float | None) -> str:
    return "an unknown time" if value is None else f"{value:.2f} s"
