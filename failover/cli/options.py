"""Options that several commands share, and what they lead to."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # At run time only a command that reads the configuration pays for pydantic.
    from failover.config.settings import Settings


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """`--config FILE`; what it leads to is `config_path` and `settings_from`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="configuration file (default: $FAILOVER_CONFIG, else /etc/failover/failover.yaml)",
    )


def config_path(arguments: argparse.Namespace) -> Path:
    """The configuration file these arguments mean."""
    from failover.config.load import settings_path

    return settings_path(arguments.config, environment=os.environ)


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings these arguments mean.

    Raises:
        ConfigurationError: the file is missing, unreadable or wrong.
    """
    from failover.config.load import load_settings

    return load_settings(config_path(arguments))
