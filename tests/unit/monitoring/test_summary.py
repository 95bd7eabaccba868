from __future__ import annotations

import json
from dataclasses import replace

import pytest

from failover.monitoring.checks import run_check
from failover.monitoring.summary import as_json, as_text
from failover.switchover.facts import PairFacts
from failover.switchover.names import DnsView
from failover.switchover.preflight import judge_pair
from tests.fakes.pair import healthy, node_view, pair_settings, silent, with_node

SETTINGS = pair_settings()
WELL = healthy(SETTINGS)


def text(facts: PairFacts) -> str:
    return "\n".join(as_text(facts, judge_pair(facts, SETTINGS), SETTINGS))


def test_a_healthy_pair_is_shown_ready() -> None:
    assert "web1  primary  3      up, writable" in text(WELL)
    assert "www     in-sync  0" in text(WELL)
    assert text(WELL).endswith("ok: a switchover would work now")


def test_the_json_can_be_written_and_says_what_the_text_says() -> None:
    told = json.loads(json.dumps(as_json(WELL, judge_pair(WELL, SETTINGS), SETTINGS)))

    assert (told["primary"], told["epoch"], told["severity"]) == ("web1", 3, "ok")
    assert told["replication"]["transactions_behind"] == 0
    assert told["dns"]["register"] == "epoch 3, primary web1"


def test_what_is_not_known_is_null_and_a_question_mark_never_nothing_or_zero() -> None:
    facts = replace(
        with_node(with_node(WELL, silent("web1")), silent("web2")), dns=DnsView(None, None, ("silence",))
    )
    told = as_json(facts, judge_pair(facts, SETTINGS), SETTINGS)

    assert told["primary"] is None
    assert told["mirrors"] is None
    assert told["replication"]["transactions_behind"] is None
    assert told["dns"]["authorities"] is None
    assert told["nodes"]["web1"] == {
        "reachable": False,
        "trouble": "ssh: connect to host: No route to host",
        "role": None,
        "epoch": None,
        "version": None,
        "clock": None,
        "database": None,
        "is_outranked": False,
    }
    assert "web1  unreachable  ?" in text(facts)
    assert "authorities: unknown (silence)" in text(facts)


def test_an_old_primary_that_came_back_is_shown_as_outranked() -> None:
    facts = with_node(WELL, node_view("web2", epoch=4, primary="web2"))

    assert "web1  primary, outranked  3" in text(facts)
    assert as_json(facts, (), SETTINGS)["nodes"]["web1"]["is_outranked"] is True


@pytest.mark.parametrize("name", ["replication", "mirror", "dns", "readiness"])
def test_every_check_of_a_healthy_pair_is_ok_and_of_a_silent_one_is_not(name: str) -> None:
    silence = with_node(with_node(WELL, silent("web1")), silent("web2"))

    assert run_check(name, WELL, SETTINGS).render().exit_status == 0
    assert run_check(name, silence, SETTINGS).render().exit_status in {2, 3}
