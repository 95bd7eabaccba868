"""`failover lab`: a pair on this machine, by hand. Hooked into the command line by failover.cli."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from failover.errors import UsageError

if TYPE_CHECKING:
    # At run time only when a lab is wanted: `failover --help` stays quick.
    from failover.lab.faults import Faults
    from failover.lab.lab import Lab

_EXAMPLES = """\
examples:
  failover lab up                                bring a pair up; it stays until `failover lab down`
  failover lab enter operator                    a shell on the operator's host
  failover lab run operator -- failover status   one command there
  failover lab fault power-cut web1              what the pair is for
  failover lab fault boot web1                   and power again
  failover lab down                              nothing is left
"""
_HOST = ("HOST", "web1, web2, ns1, ns2 or operator")
_PROCESS = ("PROCESS", "name of the program, as `ps -e` shows it")


_FAULTS: dict[str, tuple[str, tuple[tuple[str, str], ...], Callable[[Faults, list[str]], object]]] = {
    "power-cut": (
        "everything in the host is gone at once; its disk stays",
        (_HOST,),
        lambda faults, words: faults.power_cut(words[0]),
    ),
    "isolate": ("the host's cable is pulled", (_HOST,), lambda faults, words: faults.isolate(words[0])),
    "loss": (
        "frames are lost at random",
        (_HOST, ("PERCENT", "how many of a hundred")),
        lambda faults, words: faults.loss(words[0], _as_number(words[1])),
    ),
    "delay": (
        "every frame takes longer",
        (_HOST, ("SECONDS", "in each direction")),
        lambda faults, words: faults.delay(words[0], _as_number(words[1])),
    ),
    "hold": ("nothing passes, nothing is lost", (_HOST,), lambda faults, words: faults.hold(words[0])),
    "slow-link": (
        "the cable carries less",
        (_HOST, ("MEGABITS", "a second, in each direction")),
        lambda faults, words: faults.slow_link(words[0], _as_number(words[1])),
    ),
    "full-disk": ("no space left", (_HOST,), lambda faults, words: faults.full_disk(words[0])),
    "freeze": (
        "a program hangs (SIGSTOP)",
        (_HOST, _PROCESS),
        lambda faults, words: faults.freeze(words[0], words[1]),
    ),
    "kill": (
        "a program dies (SIGKILL)",
        (_HOST, _PROCESS),
        lambda faults, words: faults.kill(words[0], words[1]),
    ),
    "wrong-clock": (
        "the database and `failover` live at another time",
        (_HOST, ("SECONDS", "ahead, or behind if below 0")),
        lambda faults, words: faults.wrong_clock(words[0], _as_number(words[1])),
    ),
    "heal": (
        "make all of this right again, but for the power",
        (_HOST,),
        lambda faults, words: faults.heal(words[0]),
    ),
}


def add_parser(subparsers: Any) -> None:
    """Add `lab` and its verbs to the command line (`subparsers` is what add_subparsers() returned)."""
    lab = subparsers.add_parser(
        "lab",
        help="a pair on this machine: real servers in namespaces, and faults",
        description="Five hosts on this machine (web1, web2, ns1, ns2, operator), each with its own network, disk and "
        "processes, running real sshd, MariaDB and BIND. As root, or without where user namespaces are allowed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = lab.add_subparsers(title="verbs", metavar="VERB", required=True)
    up = _add(verbs, "up", _up, "bring a lab up; it stays until it is told to go down")
    up.add_argument("--bare", action="store_true", help="only the hosts and their network, no servers")
    up.add_argument("--json", action="store_true", help="print its hosts as JSON")
    enter = _add(verbs, "enter", _enter, "a shell on a host, as its root")
    enter.add_argument("host", metavar=_HOST[0], help=_HOST[1])
    run = _add(verbs, "run", _run, "run a command on a host, as its root; exits as the command does")
    run.add_argument("host", metavar=_HOST[0], help=_HOST[1])
    run.add_argument("words", nargs="+", metavar="-- COMMAND", help="the command and its words")
    status = _add(verbs, "status", _status, "the hosts, and what is wrong with their cables")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    _add(verbs, "down", _down, "take the lab down; nothing is left of it")
    fault = verbs.add_parser("fault", help="break something, or make it right again")
    names = fault.add_subparsers(title="faults", metavar="FAULT", required=True)
    for name, (text, words, _) in _FAULTS.items():
        parser = _add(names, name, _fault, text)
        parser.set_defaults(fault=name, given=[word.lower() for word, _ in words])
        for word, meaning in words:
            parser.add_argument(word.lower(), metavar=word, help=meaning)
    _add(names, "boot", _boot, "power again after a power cut").add_argument("host", metavar=_HOST[0])
    partition = _add(names, "partition", _partition, "two hosts do not reach each other; heal one to undo")
    partition.add_argument("first", metavar="A")
    partition.add_argument("second", metavar="B")
    partition.add_argument("--how", choices=("drop", "reject"), default="drop")
    partition.add_argument("--direction", choices=("both", "a-to-b", "b-to-a"), default="both")


def _add(
    verbs: Any, name: str, handler: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    parser.add_argument("--name", default="lab", help="which lab (default: lab)")
    parser.set_defaults(handler=handler)
    return parser


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number") from None


def _attach(arguments: argparse.Namespace) -> Lab:
    from failover.lab.lab import Lab

    return Lab.attach(arguments.name)


def _up(arguments: argparse.Namespace) -> int:
    from failover.lab.lab import Lab
    from failover.lab.pair import provision, start_daemons
    from failover.lab.topology import WEB

    lab = Lab.up(arguments.name, is_owned=False)
    if not arguments.bare:
        try:
            provision(lab)
            start_daemons([lab.host(name) for name in WEB], "sync")
        except BaseException:
            lab.down()
            raise
    if arguments.json:
        _print_json(lab.status())
    else:
        hosts = ", ".join(f"{host.name} {host.address}" for host in lab.hosts)
        sys.stdout.write(f"lab {lab.name} is up: {hosts}\n")
    return 0


def _enter(arguments: argparse.Namespace) -> int:
    return _run_in(arguments, ("bash", "--login"))


def _run(arguments: argparse.Namespace) -> int:
    return _run_in(arguments, arguments.words)


def _run_in(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    from failover.lab.own_root import clean_environment

    host = _attach(arguments).host(arguments.host)
    environment = clean_environment(terminal=os.environ.get("TERM", "dumb"))
    # In this terminal's own session: a shell needs it for Ctrl-C and for jobs.
    process = subprocess.Popen(host.argv(words), env=environment)
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            continue  # the program got it as well; what it makes of it is its own affair
        return 128 - status if status < 0 else status


def _status(arguments: argparse.Namespace) -> int:
    status = _attach(arguments).status()
    if arguments.json:
        _print_json(status)
        return 0
    for name, host in status.items():
        sys.stdout.write(f"{name:9} {host['address']:12} {describe(host)}\n")
    return 0


def describe(host: dict[str, Any]) -> str:
    """A host's state in words, by the keeper's status."""
    words = ["off" if host["pid"] is None else f"on, process {host['pid']}"]
    if not host["is_plugged"]:
        words.append("cable pulled")
    if host["megabits_per_second"] is not None:
        words.append(f"{host['megabits_per_second']:g} Mbit/s")
    if host["is_relayed"]:
        words.append("delayed or held")
    return ", ".join(words)


def _down(arguments: argparse.Namespace) -> int:
    _attach(arguments).down()
    return 0


def _fault(arguments: argparse.Namespace) -> int:
    _, _, begin = _FAULTS[arguments.fault]
    begin(_attach(arguments).faults, [getattr(arguments, name) for name in arguments.given])
    return 0


def _boot(arguments: argparse.Namespace) -> int:
    _attach(arguments).host(arguments.host).boot()
    return 0


def _partition(arguments: argparse.Namespace) -> int:
    _attach(arguments).faults.partition(
        arguments.first, arguments.second, how=arguments.how, direction=arguments.direction
    )
    return 0


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
