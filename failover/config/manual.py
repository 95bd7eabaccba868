"""The manual page of the configuration, made from the settings' own descriptions, so that it cannot be out of date.

Rewrite it with `python -m failover.config.manual > docs/configuration.md`. Pure but for that last step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import get_origin

from failover.config.explain import as_yaml
from failover.config.sample import plain_default, sample
from failover.config.schema import ITEM, NAME, Key, all_keys

_OPENING = """\
# Configuration

<!-- Made by `python -m failover.config.manual > docs/configuration.md`; change failover/config/settings.py instead. -->

One YAML file, the same on both nodes and on an operator's host: the one given by `--config`, else by
`$FAILOVER_CONFIG`, else `/etc/failover/failover.yaml`.

| command | what it does |
|---|---|
| `failover config generate` | prints a complete, commented file to start from |
| `failover config validate` | names every problem at once, as `FILE:LINE KEY: what is wrong` |
| `failover config show --origin` | prints what is in effect, and whether it comes from the file or is a default |

An unknown key is an error, so that a slip of the pen is not silently a default. YAML is taken at its plainest: anchors,
aliases, merge keys, tags, keys given twice, and numbers in other notations (`0640`, `0x1f`, `1:30`) are refused; where
text is wanted, `no`, `off` and numbers need quotes.

## Secrets

The file holds no secret, only where each one is:

| reference | the secret is |
|---|---|
| `file:/PATH` | in a file that belongs to root or to failover's user and is closed to everybody else (mode 0600) |
| `credential:NAME` | in the file NAME that systemd hands to the service (`LoadCredential=`, `LoadCredentialEncrypted=`) |
| `env:NAME` | in an environment variable; every process started from there inherits it: the last choice |

## Which node a host is

`$FAILOVER_NODE`, else the host's name up to its first dot when a node is called so. Any other host is an operator's.
"""


def manual() -> str:
    """The whole page as Markdown."""
    sections = [
        _section(place, list(keys)) for place, keys in groupby(_in_order(), key=lambda key: key.section)
    ]
    example = f"\n## A complete file\n\nAs `failover config generate` prints it:\n\n```yaml\n{sample()}```\n"
    return "\n".join((_OPENING, *sections)) + example


def _in_order() -> Iterator[Key]:
    yield from sorted(all_keys(), key=lambda key: key.section != ())


def _section(place: tuple[str, ...], keys: list[Key]) -> str:
    title = f"## `{_place(place)}`" if place else "## The sections"
    rows = "".join(f"| {_name(key)} | {_meaning(key)} | {key.kind} | {_default(key)} |\n" for key in keys)
    return f"{title}\n\n| key | meaning | value | default |\n|---|---|---|---|\n{rows}"


def _place(place: tuple[str, ...]) -> str:
    return ".".join(place).replace(f".{ITEM}", "[]")


def _name(key: Key) -> str:
    return f"[`{key.name}`](#{_anchor(key)})" if key.inner else f"`{key.name}`"


def _anchor(key: Key) -> str:
    """The fragment that Markdown renderers make of the section's title: lower case, only letters and digits."""
    steps = NAME if get_origin(key.field.annotation) is dict else ""
    return "".join((*key.section, key.name, steps)).lower().replace(ITEM, "").replace(".", "")


def _meaning(key: Key) -> str:
    return (key.field.description or "").replace("|", "\\|")


def _default(key: Key) -> str:
    if key.is_required:
        return "required"
    if key.inner is not None:
        return "`www`: `/var/www`" if key.name == "mirrors" else "every key's own"
    return f"`{as_yaml(plain_default(key))}`"


if __name__ == "__main__":
    sys.stdout.write(manual())
