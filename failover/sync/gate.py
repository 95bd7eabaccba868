"""What the pair's ssh key may do on this node: the forced command's decision.

Only three remote commands pass: the mirror's agent, rsync's receiving side into exactly one mirror, and the node agent.
The words are compared, never given to a shell. A push is refused unless this node is standby in exactly that epoch and
the pusher is its primary: this is how an old primary that wakes up is fenced.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from failover.config.settings import Settings
from failover.model.role import NodeState, Role
from failover.sync.rsync import TARGET


@dataclass(frozen=True, slots=True)
class RunRsync:
    """Become this rsync server; its target is already this node's own path of the mirror."""

    mirror: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStreamAgent:
    """Serve the mirror's agent channel on stdin and stdout."""

    mirror: str
    epoch: int
    primary: str


@dataclass(frozen=True, slots=True)
class RunAgent:
    """Hand over to the node agent."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing and say why."""

    reason: str


Decision: TypeAlias = RunRsync | RunStreamAgent | RunAgent | Refuse

_SHORT = re.compile(r"-[lHogDtpAXrRSdI]+e\d*\.[A-Za-z]*")
_LONG = re.compile(
    r"--(?:timeout=\d{1,5}|delete|delete-delay|delete-during|force|numeric-ids|modify-window=-1|max-delete=\d{1,9}"
    r"|ignore-times|sparse|dirs|no-r)"
)
_WINDOW = re.compile(r"-@-1")
_EPOCH = re.compile(r"[1-9][0-9]{0,17}")


def remote_words(environment: Mapping[str, str], arguments: Sequence[str]) -> tuple[str, ...]:
    """The words of the remote command: sshd's SSH_ORIGINAL_COMMAND when it started us by force (sshd(8)), else argv.

    Empty if what was asked for cannot be split into words; the decision refuses that.
    """
    asked = environment.get("SSH_ORIGINAL_COMMAND")
    if asked is None:
        return ("failover", "receive", *arguments)
    try:
        return tuple(shlex.split(asked))
    except ValueError:
        return ()


def decide(words: Sequence[str], settings: Settings, state: NodeState | None) -> Decision:
    """What to do for a remote command. Whatever is not exactly known is refused. Pure."""
    if tuple(words) == ("failover", "agent"):
        return RunAgent()
    match list(words):
        case ["failover", "receive", "--mirror", mirror, "--epoch", epoch, "--from", node, use, *rest]:
            pass
        case _:
            return Refuse("this key does not open that command")
    if not _EPOCH.fullmatch(epoch):
        return Refuse("the epoch is not a number")
    reason = why_refuse(mirror, int(epoch), node, settings, state)
    if reason is not None:
        return Refuse(reason)
    if use == "agent" and not rest:
        return RunStreamAgent(mirror, int(epoch), node)
    if use == "rsync":
        return _decide_rsync(mirror, rest, settings)
    return Refuse("this key does not open that command")


def why_refuse(mirror: str, epoch: int, node: str, settings: Settings, state: NodeState | None) -> str | None:
    """Why `node` must not push `mirror` here by the right of `epoch`; None if it may."""
    if state is None:
        return "this node has no role yet"
    if state.node not in settings.nodes:
        return f"this node calls itself {state.node}, which the configuration does not know"
    if mirror not in settings.mirrors:
        return "there is no such mirror here"
    if state.epoch > epoch:
        return (
            f"{state.node} is in epoch {state.epoch}, the pusher in {epoch}: {state.primary} is primary now"
        )
    if state.role is not Role.STANDBY:
        return f"{state.node} is primary itself in epoch {state.epoch}"
    if state.epoch != epoch:
        return f"{state.node} is in epoch {state.epoch}, the pusher already in {epoch}"
    if node != settings.peer_of(state.node) or node != state.primary:
        return f"only {state.primary} may push to {state.node}"
    return None


def _decide_rsync(mirror: str, words: Sequence[str], settings: Settings) -> Decision:
    path = str(settings.mirrors[mirror].path)
    if not words or words[0] != "--server":
        return Refuse("rsync may only be started as a server")
    *options, dot, target = words[1:] if len(words) >= 3 else ("", "", "")
    if dot != "." or target not in {TARGET, path, f"{path}/"}:
        return Refuse("rsync may only write to the mirror itself")
    has_flags = False
    for option in options:
        if _SHORT.fullmatch(option) and not has_flags:
            has_flags = True
        elif not (_LONG.fullmatch(option) or _WINDOW.fullmatch(option)):
            return Refuse("rsync was asked for an option that is not allowed here")
    if not has_flags:
        return Refuse("rsync was started in an unknown way")
    return RunRsync(mirror, ("rsync", "--server", *options, ".", f"{path}/"))
