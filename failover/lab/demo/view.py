"""What is shown while the demo runs, on stderr: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from failover.lab.demo.board import Board, Note, Scene
from failover.lab.demo.ledger import Kind
from failover.lab.demo.pair_status import PairStatus

_STALE_SECONDS = 3.0
_BAR = 24
_USUAL_RATE = 20.0
"""Answers a second that fill the bar; more than that stretch the scale, a trickle stays a short bar."""


class PlainView:
    """One line a note."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, note: Note) -> None:
        """Print it."""
        self._stream.write(f"{note.seconds:6.1f} s  {note.text}\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class LiveView:
    """A picture, painted four times a second by a thread of rich's."""

    def __init__(self, console: Console, scene: Callable[[], Scene]) -> None:
        self._live = Live(
            console=console, get_renderable=lambda: picture(scene()), refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def open_view(board: Board, stream: TextIO | None = None) -> PlainView | LiveView:
    """The view of a board that fits `stream` (stderr): live on a terminal, plain otherwise."""
    stream = sys.stderr if stream is None else stream
    console = Console(file=stream)
    # The stream's own word: rich also takes FORCE_COLOR for a terminal, and a log file is none.
    if stream.isatty() and console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, board.scene)
    plain = PlainView(stream)
    board.on_note(plain.tell)
    return plain


def picture(scene: Scene) -> RenderableType:
    """The whole picture of one moment."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, value in (*_pair(scene), *_visitors(scene)):
        facts.add_row(name, value)
    story = Table.grid(padding=(0, 2))
    story.add_column(justify="right", style="dim", no_wrap=True)
    story.add_column()
    for note in scene.notes:
        story.add_row(f"{note.seconds:.1f} s", note.text)
    title = f"failover demo · {scene.seconds:4.1f} s · {scene.act}"
    return Panel(Group(facts, Text(), story), title=title, title_align="left", padding=(1, 2))


def _pair(scene: Scene) -> list[tuple[str, RenderableType]]:
    status = scene.status
    if status is None:
        return [("pair", Text("not asked yet", style="dim"))]
    rows: list[tuple[str, RenderableType]] = [("roles", _roles(status))]
    rows.append(
        ("mirror", Text("; ".join(f"{one.name} {one.describe()}" for one in status.mirrors) or "unknown"))
    )
    rows.append(("replica", Text(describe_replica(status))))
    rows.append(("DNS", Text("   ".join(f"{who}: {says}" for who, says in status.dns) or "unknown")))
    worst = next((one for one in status.findings if one.blocks), None) or next(iter(status.findings), None)
    if worst is not None:
        rows.append(("finding", Text(worst.summary, style="red" if worst.blocks else "yellow")))
    age = scene.status_age_seconds
    if age is not None and age > _STALE_SECONDS:
        rows.append(("", Text(f"(as it was {age:.0f} s ago)", style="yellow")))
    return rows


def _roles(status: PairStatus) -> Text:
    text = Text()
    newest = max((node.epoch for node in status.nodes if node.epoch is not None), default=0)
    for node in status.nodes:
        is_outranked = node.epoch is not None and node.epoch < newest
        style = "yellow" if is_outranked else "green" if node.role == "primary" else "cyan"
        text.append(f"{node.name} ")
        if node.is_reachable:
            text.append(node.role or "unknown", style=style if node.role else "yellow")
        else:
            text.append("does not answer", style="red")
        if node.epoch is not None:
            text.append(f" (epoch {node.epoch}{', outranked' if is_outranked else ''})", style="dim")
        text.append("   ")
    return text


def describe_replica(status: PairStatus) -> str:
    """The replica's lag in a few words."""
    words = []
    if status.transactions_behind is not None:
        words.append(f"{status.transactions_behind} transactions behind")
    if status.seconds_behind is not None:
        words.append(f"{status.seconds_behind:.2f} s behind")
    return ", ".join(words) or "unknown"


def _visitors(scene: Scene) -> list[tuple[str, RenderableType]]:
    highest = max((_USUAL_RATE, *scene.rates.values()))
    served = Table.grid(padding=(0, 1))
    for node, rate in scene.rates.items():
        bar = "█" * max(1, round(_BAR * rate / highest))
        served.add_row(node or "nobody", f"{rate:4.0f}/s", Text(bar, style="green" if node else "red"))
    writes = (
        f"{scene.acknowledged[Kind.COMMENT]} comments, {scene.acknowledged[Kind.UPLOAD]} uploads acknowledged;"
        f" {scene.acknowledged[Kind.PAGE]} pages loaded"
    )
    return [("visitors, served by", served if scene.rates else Text("no visitors")), ("writes", Text(writes))]
