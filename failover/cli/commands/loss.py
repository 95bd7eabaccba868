"""`failover loss`: what the last takeover lost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from failover.cli.options import add_config_option, settings_from
from failover.cli.output import print_json
from failover.errors import ExitStatus, SwitchoverError

if TYPE_CHECKING:
    from failover.switchover.loss import LossReport


def add_parser(commands: Any) -> None:
    """Add `loss`."""
    parser = commands.add_parser(
        "loss",
        help="show what the last takeover lost",
        description="Shows the loss report of the last takeover. --complete reads the binary logs and the files of the "
        "old primary, once it is back, and adds every transaction and file that only it has; it changes nothing there.",
    )
    add_config_option(parser)
    parser.add_argument("--complete", action="store_true", help="read the returned node's own logs and files")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(handler=_loss)


def _loss(arguments: argparse.Namespace) -> int:
    from failover.switchover.conduct import complete_report, find_report
    from failover.wiring import make_names, open_pair

    settings = settings_from(arguments)
    with open_pair(settings, make_names(settings)) as pair:
        nodes = pair.answering(pair.collect())
        found = find_report(nodes)
        if found is None:
            raise SwitchoverError(
                "no takeover is in the journal of any node that answers",
                hint="failover status shows which nodes answer",
            )
        operation, report = found
        if arguments.complete:
            report = complete_report(operation, report, nodes, pair.clock)
    if arguments.json:
        print_json({"operation": operation, **report.to_json()})
    else:
        _print(operation, report)
    return ExitStatus.DONE


def _print(operation: str, report: LossReport) -> None:
    print(f"{operation}: {report.new} took over from {report.old} at {report.taken_over_at}")
    print(f"database: {report.new} has everything of {report.old} up to {report.position or 'nothing'}")
    for mirror in report.mirrors:
        print(f"mirror {mirror.mirror}: complete up to {mirror.checkpoint or 'no known moment'}")
    if not report.is_complete:
        print(f"not complete: {report.old} was not read yet; when it is back: failover loss --complete")
        print(f"{len(report.files)} paths were announced and did not arrive:")
    else:
        more = " (and more: the list was cut)" if report.is_truncated else ""
        print(f"{len(report.transactions)} transactions are only on {report.old}{more}:")
        for transaction in report.transactions:
            print(f"  {transaction.gtid}  {transaction.time or 'time unknown'}")
            for statement in transaction.statements:
                print(f"      {_shown(statement)}")
        print(f"{len(report.files)} files are only on {report.old}, or in another version:")
    for path in report.files:
        print(f"  {_shown(path)}")
    for mirror in report.mirrors:
        for path in mirror.not_deleted:
            print(f"  deleted on {report.old}, still on {report.new}: {_shown(path)}")


def _shown(text: str) -> str:
    """A path or a statement for a terminal: control characters and undecodable bytes are written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
