"""How a command speaks: data to stdout, messages to stderr, colours only on a terminal (rich honours NO_COLOR)."""

from __future__ import annotations

import json
import sys
from typing import Any

from failover.errors import FailoverError


def print_error(error: FailoverError) -> None:
    """The message and the hint, to stderr."""
    is_coloured = sys.stderr.isatty()
    red, plain = ("\x1b[31m", "\x1b[0m") if is_coloured else ("", "")
    print(f"{red}failover: {error.message}{plain}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def print_json(value: Any) -> None:
    """One JSON value, indented for a person who pipes it through a pager; keys are listed in docs/."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))
