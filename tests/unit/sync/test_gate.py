from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.config.settings import Settings
from failover.model.role import NodeState
from failover.sync.gate import (
    Decision,
    Refuse,
    RunAgent,
    RunRsync,
    RunStreamAgent,
    decide,
    remote_words,
)
from failover.sync.rsync import Push
from failover.sync.rules import Excludes
from failover.system.remote import SshTarget

_STATE = NodeState("web2", 3, "web1")
_SETTINGS = Settings.model_validate(
    {
        "nodes": {"web1": {"address": "192.0.2.1"}, "web2": {"address": "192.0.2.2"}},
        "mirrors": {"www": {"path": "/srv/www"}},
        "dns": {
            "zone": "example.org",
            "servers": [{"address": "192.0.2.53"}],
            "tsig": {"name": "k", "algorithm": "hmac-sha256", "secret": "file:/x"},
            "records": [
                {"name": "example.org", "type": "A", "values": {"web1": ["192.0.2.1"], "web2": ["192.0.2.2"]}}
            ],
        },
    }
)
_HEAD = ("failover", "receive", "--mirror", "www", "--epoch", "3", "--from", "web1")
_FLAGS = "-lHogDtpAXRe.LsfxCIvu"


def _decide(*words: str, state: NodeState | None = _STATE) -> Decision:
    return decide(words, _SETTINGS, state)


def _asked(command: str) -> Decision:
    return decide(remote_words({"SSH_ORIGINAL_COMMAND": command}, ()), _SETTINGS, _STATE)


def test_agent_of_the_primary_passes() -> None:
    assert _asked(" ".join((*_HEAD, "agent"))) == RunStreamAgent("www", 3, "web1")


def test_words_come_from_argv_where_no_command_was_forced() -> None:
    words = remote_words({}, ("--mirror", "www", "--epoch", "3", "--from", "web1", "agent"))

    assert decide(words, _SETTINGS, _STATE) == RunStreamAgent("www", 3, "web1")


def test_node_agent_is_recognised() -> None:
    assert _asked("failover agent") == RunAgent()


@pytest.mark.parametrize(
    "options",
    [
        ("-ldogDtpAXRSe.LsfxCIvu", "-@-1", "--timeout=60", "--delete-delay", "--force", "--numeric-ids"),
        (_FLAGS,),
        ("-lHogDtpAXre.iLsfxCIvu", "--delete", "--numeric-ids", "--modify-window=-1"),
    ],
)
def test_rsync_receiver_passes_with_this_nodes_own_path(options: tuple[str, ...]) -> None:
    for target in ("./", "/srv/www", "/srv/www/"):
        assert _decide(*_HEAD, "rsync", "--server", *options, ".", target) == RunRsync(
            "www", ("rsync", "--server", *options, ".", "/srv/www/")
        )


@pytest.mark.parametrize(
    "words",
    [
        ("--server", "--sender", _FLAGS, ".", "./"),
        ("--server", _FLAGS, "--sender", ".", "./"),
        ("--server", _FLAGS, ".", "/etc/"),
        ("--server", _FLAGS, ".", "/srv/www/../"),
        ("--server", _FLAGS, ".", "./../"),
        ("--server", _FLAGS, ".", "/srv/www/sub"),
        ("--server", _FLAGS, ".", "/srv/www2/"),
        ("--server", _FLAGS, ".", "./", "/etc/"),
        ("--server", _FLAGS, ".", "/etc/", "./"),
        ("--server", _FLAGS, "./"),
        ("--server", ".", "./"),
        ("--server", "-slHogDtpre.iLsfxCIvu", ".", "./"),
        ("--server", "-Lre.iLsfxCIvu", ".", "./"),
        ("--server", "-Kre.iLsfxCIvu", ".", "./"),
        ("--server", "-bre.iLsfxCIvu", ".", "./"),
        ("--server", _FLAGS, _FLAGS, ".", "./"),
        ("--server", _FLAGS, "--log-file=/etc/cron.d/x", ".", "./"),
        ("--server", _FLAGS, "--backup-dir=/etc", ".", "./"),
        ("--server", _FLAGS, "--backup-dir", "/etc", ".", "./"),
        ("--server", _FLAGS, "--temp-dir=/etc", ".", "./"),
        ("--server", _FLAGS, "--link-dest=/etc", ".", "./"),
        ("--server", _FLAGS, "--files-from=/etc/shadow", ".", "./"),
        ("--server", _FLAGS, "--write-devices", ".", "./"),
        ("--server", _FLAGS, "--copy-devices", ".", "./"),
        ("--server", _FLAGS, "--remove-source-files", ".", "./"),
        ("--server", _FLAGS, "--ignore-errors", ".", "./"),
        ("--server", _FLAGS, "--delete-excluded", ".", "./"),
        ("--server", _FLAGS, "--timeout=60\n--sender", ".", "./"),
        ("--server", "--daemon", ".", "./"),
        ("--daemon", "--config=/tmp/x"),
        ("--server",),
        ("--server", "."),
        (),
        ("-e", "sh", "--server", _FLAGS, ".", "./"),
    ],
)
def test_rsync_that_could_do_anything_else_is_refused(words: tuple[str, ...]) -> None:
    assert isinstance(_decide(*_HEAD, "rsync", *words), Refuse)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "sh",
        "bash -i",
        "failover",
        "failover switchover --yes",
        "failover agent --config /tmp/evil.yaml",
        "failover agent; sh",
        "failover receive",
        "/usr/bin/failover agent",
        "failover receive --mirror www --epoch 3 --from web1",
        "failover receive --mirror www --epoch 3 --from web1 sh",
        "failover receive --mirror www --epoch 3 --from web1 agent extra",
        "failover receive --mirror www --epoch 3 --from web1 agent; sh",
        "failover receive --mirror www --epoch 3 --from web1 agent\nsh",
        "failover receive --epoch 3 --mirror www --from web1 agent",
        "failover receive --mirror=www --epoch=3 --from=web1 agent",
        "failover receive --mirror ../www --epoch 3 --from web1 agent",
        "failover receive --mirror www --epoch 3x --from web1 agent",
        "failover receive --mirror www --epoch ٣ --from web1 agent",
        "failover receive --mirror www --epoch -3 --from web1 agent",
        "failover receive --mirror www --epoch 0003 --from web1 agent",
        "failover receive --mirror www --epoch 3 --from web2 agent",
        "failover receive --mirror www --epoch 3 --from evil agent",
        "failover receive --mirror www --epoch 2 --from web1 agent",
        "failover receive --mirror www --epoch 4 --from web1 agent",
        "rsync --server -lre.iLsfxCIvu . /srv/www/",
        "unclosed 'quote",
        "failover receive --mirror www --epoch 3 --from web1 rsync --server -re.iLsfxCIvu . './; sh'",
        "failover receive --mirror www --epoch 3 --from web1 rsync --server -re.iLsfxCIvu . `id`",
        "failover receive --mirror www --epoch 3 --from web1 rsync --server -re.iLsfxCIvu . $HOME",
        "internal-sftp",
        "scp -t /etc",
    ],
)
def test_anything_else_is_refused(command: str) -> None:
    assert isinstance(_asked(command), Refuse)


@given(st.lists(st.text(max_size=8), max_size=12))
def test_no_words_make_it_fail(words: list[str]) -> None:
    assert isinstance(_decide(*words), Refuse)
    assert isinstance(_decide(*_HEAD, "rsync", *words), Refuse)


@pytest.mark.parametrize(
    ("state", "part"),
    [
        (None, "no role"),
        (NodeState("web2", 4, "web2"), "web2 is primary now"),
        (NodeState("web2", 3, "web2"), "is primary itself"),
        (NodeState("web2", 2, "web1"), "the pusher already in 3"),
        (NodeState("web2", 2, "web2"), "is primary itself"),
        (NodeState("web1", 3, "web2"), "only web2 may push"),
        (NodeState("other", 3, "web1"), "does not know"),
    ],
)
def test_push_without_the_right_is_refused_with_the_reason(state: NodeState | None, part: str) -> None:
    for use in (("agent",), ("rsync", "--server", _FLAGS, ".", "./")):
        decision = _decide(*_HEAD, *use, state=state)

        assert isinstance(decision, Refuse)
        assert part in decision.reason


def test_what_the_primary_sends_is_what_the_gate_lets_in() -> None:
    ssh = SshTarget("192.0.2.2", "root", 22, Path("/k"), Path("/h"), 3)
    push = Push("www", Path("/srv/www"), Excludes(), deletes=True, epoch=3, node="web1", ssh=ssh)

    assert _asked(push.agent_argv()[-1]) == RunStreamAgent("www", 3, "web1")
    assert f"--rsync-path={' '.join(_HEAD)} rsync" in push.full_argv()
