"""`failover switchover` and `failover init`: change the roles of the pair."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from failover.cli.options import add_config_option, settings_from
from failover.cli.output import confirm, parse_accepted
from failover.errors import DnsError, ExitStatus, SwitchoverError, UsageError
from failover.model.codes import Code
from failover.model.finding import Finding, Severity

if TYPE_CHECKING:
    from failover.cli.progress import Reporter
    from failover.config.settings import Settings
    from failover.switchover.facts import PairFacts
    from failover.switchover.plan import Plan
    from failover.wiring import Pair

_SWITCHOVER = """\
Moves the service to the other node. Planned: blocks writes, waits until the standby has everything, promotes it,
moves DNS, and makes the old primary a standby; whatever fails before the point of no return is undone. With
--primary-dead: fences what can be reached, promotes, moves DNS, and writes down what is known to be lost.
"""
_EXAMPLES = """\
examples:
  failover switchover --dry-run          the plan, its checksum, and what stands in the way
  failover switchover                    planned, asks first
  failover switchover --primary-dead     the primary is gone
  failover switchover --resume           finish one that was cut short
"""


def add_parser(commands: Any) -> None:
    """Add `switchover` and `init`."""
    parser = commands.add_parser(
        "switchover",
        help="move the service to the other node",
        description=_SWITCHOVER,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--primary-dead", action="store_true", help="the primary is gone: promote the standby without it"
    )
    what.add_argument("--resume", action="store_true", help="go on with a switchover that was cut short")
    what.add_argument(
        "--abort", action="store_true", help="undo one that was cut short before its point of no return"
    )
    parser.add_argument(
        "--to", metavar="NODE", help="the node that shall be primary (default: the other one)"
    )
    parser.add_argument("--plan", metavar="CHECKSUM", help="only carry out exactly this plan (see --dry-run)")
    _add_common(parser)
    parser.set_defaults(handler=_switchover)

    parser = commands.add_parser(
        "init",
        help="give a new pair its roles and its register",
        description="Writes epoch 1 on both nodes and in DNS. The standby's database must replicate already. "
        "Can be run again after it was cut short; never changes the roles of a pair in service.",
    )
    parser.add_argument("--primary", metavar="NODE", required=True, help="the node that has the service now")
    _add_common(parser)
    parser.set_defaults(handler=_init)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="print the plan and what stands in the way; change nothing"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--accept",
        metavar="CODE",
        action="append",
        default=[],
        help="go on in spite of this finding; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="events as JSON lines on stdout, the result last")


def _switchover(arguments: argparse.Namespace) -> int:
    from failover.config.this_node import require_node
    from failover.switchover.operation import Request, plan_switchover

    settings = settings_from(arguments)
    if arguments.to is not None:
        require_node(settings, arguments.to)
    request = Request(arguments.to, arguments.primary_dead, parse_accepted(arguments.accept))
    if arguments.resume or arguments.abort:
        if arguments.to or arguments.plan or arguments.dry_run:
            raise UsageError(
                "--resume and --abort take the plan from the journal: no --to, --plan or --dry-run"
            )
        return _go_on(arguments, settings)
    return _carry_out(arguments, settings, lambda facts: plan_switchover(request, facts, settings))


def _init(arguments: argparse.Namespace) -> int:
    from failover.config.this_node import require_node
    from failover.switchover.operation import plan_init

    settings = settings_from(arguments)
    primary = require_node(settings, arguments.primary)
    arguments.plan = None
    return _carry_out(arguments, settings, lambda _facts: plan_init(primary, settings))


def _carry_out(arguments: argparse.Namespace, settings: Settings, make: Callable[[PairFacts], Plan]) -> int:
    """Facts, findings, plan, lock, act, report."""
    from failover.cli.progress import Reporter
    from failover.switchover.conduct import begin, take_locks
    from failover.wiring import make_names, open_pair, who_is_here

    reporter = Reporter(is_json=arguments.json)
    accepted = parse_accepted(arguments.accept)
    names = make_names(settings, accepted=accepted, progress=reporter.dns)
    with open_pair(settings, names) as pair:
        facts = pair.collect()
        plan = make(facts)
        _preflight(arguments, pair, plan, facts, reporter)
        if arguments.dry_run:
            return ExitStatus.DONE
        confirm(_question(plan), is_yes=arguments.yes, word=plan.new)
        nodes = pair.answering(facts)
        take_locks(nodes, who_is_here())
        operation, report = begin(pair.context(plan, nodes), who_is_here(), reporter.event)
        return reporter.finished(operation, plan, report)


def _preflight(
    arguments: argparse.Namespace, pair: Pair, plan: Plan, facts: PairFacts, reporter: Reporter
) -> None:
    """Show the findings and the plan; refuse if something stands in the way."""
    from failover.switchover.conduct import find_newest
    from failover.switchover.plan import Operation
    from failover.switchover.preflight import blockers, preflight

    accepted = parse_accepted(arguments.accept)
    refusal = _rehearse_dns(pair)
    findings = preflight(plan, facts, pair.settings)
    if refusal is not None:
        findings = (*findings, Finding(Code.DNS_REFUSED, Severity.CRITICAL, refusal.message, refusal.hint))
    reporter.plan(plan, findings, accepted, is_dry_run=arguments.dry_run)
    newest = find_newest(pair.answering(facts))
    if plan.operation is Operation.PLANNED and newest is not None and newest.was_cut_short:
        raise SwitchoverError(
            f"an earlier operation was cut short: {newest.operation}",
            hint="failover switchover --resume goes on with it, --abort undoes it",
            exit_status=ExitStatus.REFUSED,
        )
    in_the_way = blockers(findings, accepted)
    if in_the_way:
        raise _refused(in_the_way, refusal)
    if arguments.plan is not None and arguments.plan != plan.checksum:
        raise SwitchoverError(
            f"this is plan {plan.checksum}, not {arguments.plan}: something has changed since",
            hint="look at it again: failover switchover --dry-run",
            exit_status=ExitStatus.REFUSED,
        )


def _rehearse_dns(pair: Pair) -> DnsError | None:
    """Why DNS would not take the move. Found now, it costs nothing; found after the promotion, it costs visitors."""
    try:
        pair.names.rehearse()
    except DnsError as error:
        return error
    return None


def _refused(in_the_way: Sequence[Finding], refusal: DnsError | None) -> SwitchoverError:
    """All that stands in the way. If only DNS does, the exit status says how."""
    codes = tuple(dict.fromkeys(found.code for found in in_the_way))
    is_dns_alone = refusal is not None and set(codes) <= {Code.DNS_REFUSED, Code.DNS_UNREACHABLE}
    accepts = " ".join(f"--accept {code}" for code in codes)
    hint = refusal.hint if is_dns_alone and refusal is not None else "cure that first"
    return SwitchoverError(
        "refused, nothing was changed:\n"
        + "\n".join(f"  {found.summary} [{found.code}]" for found in in_the_way),
        hint=f"{hint}; to go on in spite of it: {accepts}",
        exit_status=refusal.exit_status if is_dns_alone and refusal is not None else ExitStatus.REFUSED,
    )


def _go_on(arguments: argparse.Namespace, settings: Settings) -> int:
    """Resume or abort the newest operation."""
    from failover.cli.progress import Reporter
    from failover.switchover.conduct import abort, find_newest, resume, take_locks
    from failover.wiring import make_names, open_pair, who_is_here

    reporter = Reporter(is_json=arguments.json)
    names = make_names(settings, accepted=parse_accepted(arguments.accept), progress=reporter.dns)
    with open_pair(settings, names) as pair:
        nodes = pair.answering(pair.collect())
        take_locks(nodes, who_is_here())
        found = find_newest(nodes)
        if found is None or not found.is_unfinished:
            print("nothing was cut short: there is nothing to go on with or to undo", file=sys.stderr)
            return ExitStatus.DONE
        verb = "undo" if arguments.abort else "go on with"
        confirm(f"{verb} {found.operation}?", is_yes=arguments.yes, word="yes")
        go = abort if arguments.abort else resume
        report = go(found, pair.context(found.plan, nodes), reporter.event)
        return reporter.finished(found.operation, found.plan, report)


def _question(plan: Plan) -> str:
    from failover.switchover.plan import Operation

    return {
        Operation.PLANNED: f"move the service from {plan.old} to {plan.new}?",
        Operation.PRIMARY_DEAD: f"{plan.old} is dead and {plan.new} shall take over, with whatever is lost?",
        Operation.INIT: f"make {plan.new} the primary of this pair?",
    }[plan.operation]
