from __future__ import annotations

import io

import pytest
from rich.console import Console

from failover.lab.demo.board import Board, Note, Scene
from failover.lab.demo.ledger import Kind
from failover.lab.demo.pair_status import pair_status_from
from failover.lab.demo.view import LiveView, PlainView, open_view, picture
from tests.fakes.clock import FakeClock

STATUS = pair_status_from(
    {
        "nodes": {
            "web1": {"role": "primary", "epoch": 3, "reachable": True},
            "web2": {"role": None, "epoch": 2, "reachable": False},
        },
        "mirrors": {"www": {"state": "sending", "waiting_paths": 4, "oldest_age_seconds": 0.31}},
        "replication": {"transactions_behind": 7, "seconds_behind": None},
        "dns": {
            "authorities": [
                {
                    "name": "ns1.example.test.",
                    "answers": [
                        {"name": "www.example.test.", "type": "A", "values": ["10.77.0.11"], "fault": None},
                        {"name": "site.example.test.", "type": "A", "values": ["10.77.0.11"], "fault": None},
                        {"name": "_failover.www.example.test.", "type": "TXT", "values": ["v=failover1"]},
                    ],
                },
                {"name": "ns2.example.test.", "answers": [{"type": "A", "values": [], "fault": "timeout"}]},
            ]
        },
        "findings": [
            {"code": "node-unreachable", "severity": "critical", "summary": "web2 does not answer ssh"}
        ],
    }
)
SCENE = Scene(
    seconds=12.34,
    act="the primary dies",
    status=STATUS,
    status_age_seconds=5.0,
    rates={"": 2.0, "web1": 30.0},
    acknowledged={Kind.PAGE: 9, Kind.COMMENT: 5, Kind.UPLOAD: 4},
    notes=(Note(11.0, "$ failover switchover"),),
)


def shown(scene: Scene) -> str:
    stream = io.StringIO()
    Console(file=stream, width=110).print(picture(scene))
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich finds, wherever the tests run: a cron job's or a build server's words would change the pictures."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def test_the_picture_has_what_an_operator_cares_about() -> None:
    text = shown(SCENE)

    for words in (
        "12.3 s · the primary dies",
        "web1 primary (epoch 3)",
        "web2 does not answer (epoch 2, outranked)",
        "www sending, 4 paths waiting, the oldest for 0.31 s",
        "7 transactions behind",
        "ns1.example.test: 10.77.0.11   ns2",
        "ns2.example.test: timeout",
        "web2 does not answer ssh",
        "as it was 5 s ago",
        "nobody",
        "30/s",
        "5 comments, 4 uploads acknowledged; 9 pages loaded",
        "11.0 s  $ failover switchover",
    ):
        assert words in text


def test_what_is_not_known_yet_is_said_to_be_unknown_not_zero() -> None:
    nothing = Scene(0.0, "", pair_status_from({}), 0.0, {}, dict.fromkeys(Kind, 0), ())
    text = shown(nothing)

    assert text.count("unknown") >= 3
    assert "0 transactions" not in text
    assert "no visitors" in text


def test_without_a_terminal_every_note_is_a_line() -> None:
    stream = io.StringIO()
    clock = FakeClock()
    board = Board(clock.monotonic)

    with open_view(board, stream) as view:
        clock.advance(1.25)
        board.begin_act("visitors come in")

    assert isinstance(view, PlainView)
    assert stream.getvalue() == "   1.2 s  visitors come in\n"


def test_on_a_terminal_the_picture_is_painted() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)

    with LiveView(console, lambda: SCENE):
        pass

    assert "the primary dies" in stream.getvalue()
