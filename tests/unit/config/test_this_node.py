from __future__ import annotations

import pytest

from failover.config.document import read_document
from failover.config.load import check_document
from failover.config.sample import sample
from failover.config.settings import Settings
from failover.config.this_node import require_node, this_node
from failover.errors import ExitStatus, FailoverError


@pytest.fixture(scope="module")
def settings() -> Settings:
    found, _ = check_document(read_document(sample().encode()))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hostname", "node"),
    [
        ("web1", "web1"),
        ("WEB2.example.org", "web2"),
        ("desk", None),
        ("", None),
        ("example.web1", None),
    ],
)
def test_the_short_host_name_finds_the_node(settings: Settings, hostname: str, node: str | None) -> None:
    assert this_node(settings, environment={}, hostname=hostname) == node


def test_the_environment_goes_before_the_host_name(settings: Settings) -> None:
    assert this_node(settings, environment={"FAILOVER_NODE": "web2"}, hostname="web1") == "web2"
    assert this_node(settings, environment={"FAILOVER_NODE": ""}, hostname="web1") == "web1"


def test_an_unknown_node_in_the_environment_is_an_error(settings: Settings) -> None:
    with pytest.raises(FailoverError, match="FAILOVER_NODE: there is no node 'wbe1'") as caught:
        this_node(settings, environment={"FAILOVER_NODE": "wbe1"}, hostname="web1")

    assert caught.value.exit_status == ExitStatus.UNKNOWN_NODE
    assert caught.value.hint == "did you mean web1?"


def test_a_typed_name_must_be_a_node(settings: Settings) -> None:
    assert require_node(settings, "web1") == "web1"

    with pytest.raises(FailoverError, match="there is no node 'paris'") as caught:
        require_node(settings, "paris")
    assert caught.value.exit_status == ExitStatus.UNKNOWN_NODE
    assert caught.value.hint == "the nodes are web1 and web2"
