"""`failover config`: write a first configuration, check one, show what is in effect."""

from __future__ import annotations

import argparse
from typing import Any

from failover.cli.options import add_config_option, config_path
from failover.cli.output import print_json
from failover.errors import ExitStatus, UsageError


def add_parser(commands: Any) -> None:
    """Add `config` and its three verbs to the command line (`commands` is what add_subparsers() returned)."""
    group = commands.add_parser("config", help="write, check and show the configuration")
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)

    generate = verbs.add_parser(
        "generate",
        help="print a complete, commented configuration to start from",
        description="Print a configuration file that explains every key. Redirect it, then fill in what is yours.",
    )
    generate.add_argument(
        "--node", action="append", default=[], metavar="NAME=ADDRESS", help="a node; give it twice"
    )
    generate.add_argument("--zone", metavar="ZONE", help="the DNS zone of the names that move")
    generate.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="a DNS name that moves (default: www.ZONE)",
    )
    generate.add_argument(
        "--server", action="append", default=[], metavar="ADDRESS", help="a name server that takes updates"
    )
    generate.add_argument(
        "--mirror",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a tree to mirror (default: www=/var/www)",
    )
    generate.set_defaults(handler=_generate)

    validate = verbs.add_parser(
        "validate", help="check the configuration; every problem at once, with its line"
    )
    add_config_option(validate)
    validate.add_argument("--json", action="store_true", help="print the verdict and the problems as JSON")
    validate.set_defaults(handler=_validate)

    show = verbs.add_parser(
        "show", help="print what is in effect, defaults included; secrets only as references"
    )
    add_config_option(show)
    show.add_argument("--json", action="store_true", help="print it as JSON")
    show.add_argument("--origin", action="store_true", help="say of each value where it comes from")
    show.set_defaults(handler=_show)


def _generate(arguments: argparse.Namespace) -> ExitStatus:
    from failover.config.document import read_document
    from failover.config.load import check_document
    from failover.config.sample import sample

    if arguments.name and not arguments.zone:
        raise UsageError("--name needs --zone: the zone that holds the name")
    given: dict[str, Any] = {}
    if arguments.node:
        given["nodes"] = _pairs("--node", "NAME=ADDRESS", arguments.node)
        if len(given["nodes"]) != 2:
            raise UsageError(f"--node: a pair has two nodes, not {len(given['nodes'])}")
    if arguments.mirror:
        given["mirrors"] = _pairs("--mirror", "NAME=PATH", arguments.mirror)
    given |= {"zone": arguments.zone} if arguments.zone else {}
    given |= {"servers": arguments.server} if arguments.server else {}
    text = sample(**given, names=arguments.name)
    _, problems = check_document(read_document(text.encode("utf-8", "surrogateescape")))
    if problems:
        raise UsageError(
            "\n".join(f"{problem.key or 'configuration'}: {problem.text}" for problem in problems)
        )
    print(text, end="")
    return ExitStatus.DONE


def _pairs(option: str, form: str, words: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign and value):
            raise UsageError(f"{option} {word}: give it as {form}")
        if name in pairs:
            raise UsageError(f"{option} {word}: {name} is given twice")
        pairs[name] = value
    return pairs


def _validate(arguments: argparse.Namespace) -> ExitStatus:
    from failover.config.load import InvalidConfigurationError, load_settings

    path = config_path(arguments)
    try:
        settings = load_settings(path)
    except InvalidConfigurationError as error:
        if not arguments.json:
            raise
        problems = [{"line": item.line, "key": item.key, "text": item.text} for item in error.problems]
        print_json({"file": str(path), "valid": False, "problems": problems})
        return error.exit_status
    if arguments.json:
        print_json({"file": str(path), "valid": True, "problems": []})
    else:
        nodes = " and ".join(settings.nodes)
        mirrors = " and ".join(settings.mirrors) or "none"
        names = ", ".join(dict.fromkeys(record.name.removesuffix(".") for record in settings.dns.records))
        print(f"{path} is valid: nodes {nodes}, mirrors {mirrors}, moving {names}")
    return ExitStatus.DONE


def _show(arguments: argparse.Namespace) -> ExitStatus:
    from failover.config.explain import effective, explain, render
    from failover.config.load import load_document

    path = config_path(arguments)
    settings, document = load_document(path)
    if not arguments.json:
        print(render(settings, document if arguments.origin else None), end="")
        return ExitStatus.DONE
    shown: dict[str, Any] = {"file": str(path), "settings": effective(settings)}
    if arguments.origin:
        shown["origin"] = {setting.key: setting.line for setting in explain(settings, document)}
    print_json(shown)
    return ExitStatus.DONE
