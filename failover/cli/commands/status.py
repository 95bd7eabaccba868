"""`failover status`, `failover check`: look at the pair, for a person or for a monitoring system."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from failover.cli.options import add_config_option, settings_from
from failover.cli.output import finding_as_json, print_findings, print_json
from failover.errors import ExitStatus, FailoverError
from failover.model.finding import Severity, worst

if TYPE_CHECKING:
    from failover.config.settings import Settings
    from failover.monitoring.nagios import PluginOutput
    from failover.switchover.facts import PairFacts

_CHECKS = ("replication", "mirror", "dns", "readiness")


def add_parser(commands: Any) -> None:
    """Add `status` and `check`."""
    parser = commands.add_parser(
        "status",
        help="show the pair: roles, mirror, replication, DNS, and what is wrong",
        description="One look at both nodes and every name server. Exits with 0 if a switchover would work now, "
        "with 3 if something stands in its way.",
    )
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="everything known, as one JSON object")
    parser.set_defaults(handler=_status)

    parser = commands.add_parser(
        "check",
        help="check one thing for Nagios, Icinga and the like",
        description="Prints one line with performance data and exits as Nagios plug-ins do: 0 OK, 1 WARNING, "
        "2 CRITICAL, 3 UNKNOWN (also for a broken configuration).",
    )
    parser.add_argument("name", metavar="NAME", choices=_CHECKS, help=f"one of {', '.join(_CHECKS)}")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="the findings as JSON; the exit status stays")
    parser.set_defaults(handler=_check)


def _status(arguments: argparse.Namespace) -> int:
    from failover.monitoring.summary import as_json, as_text
    from failover.switchover.preflight import judge_pair

    settings = settings_from(arguments)
    facts = _look(settings)
    findings = judge_pair(facts, settings)
    if arguments.json:
        print_json(
            as_json(facts, findings, settings) | {"findings": [finding_as_json(found) for found in findings]}
        )
    else:
        for line in as_text(facts, findings, settings):
            print(line)
        print_findings((found for found in findings if found.severity > Severity.OK), sys.stdout)
    return ExitStatus.REFUSED if any(found.blocks for found in findings) else ExitStatus.DONE


def _look(settings: Settings) -> PairFacts:
    from failover.wiring import make_names, open_pair

    with open_pair(settings, make_names(settings)) as pair:
        return pair.collect()


def _check(arguments: argparse.Namespace) -> int:
    """Whatever goes wrong here is UNKNOWN: a monitoring system reads 1 and 2 as something about the pair."""
    from failover.monitoring.nagios import unknown

    try:
        output = _run_check(arguments)
    except FailoverError as error:
        output = unknown(arguments.name, error.message, error.hint)
    if output.text:
        print(output.text)
    return output.exit_status


def _run_check(arguments: argparse.Namespace) -> PluginOutput:
    from failover.monitoring.checks import run_check
    from failover.monitoring.nagios import PluginOutput

    settings = settings_from(arguments)
    facts = _look(settings)
    check = run_check(arguments.name, facts, settings)
    output = check.render()
    if not arguments.json:
        return output
    print_json(
        {
            "check": arguments.name,
            "severity": worst(check.findings).word,
            "findings": [finding_as_json(found) for found in check.findings],
            "metrics": {metric.label: metric.value for metric in check.metrics},
        }
    )
    return PluginOutput("", output.exit_status)
