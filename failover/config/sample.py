"""Writes a first configuration file: complete, each key explained, the defaults commented out. Pure but for reading
its template from the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, StrictUndefined
from pydantic_core import to_jsonable_python

from failover.config.explain import as_yaml
from failover.config.schema import Key, all_keys

EXAMPLE_NODES: Mapping[str, str] = MappingProxyType({"web1": "192.0.2.11", "web2": "192.0.2.12"})
"""Addresses from RFC 5737, which lead nowhere."""
EXAMPLE_SERVER = "192.0.2.53"
EXAMPLE_ZONE = "example.org"


@dataclass(frozen=True, slots=True)
class Description:
    """What the sample says above a key."""

    text: str
    kind: str


def sample(
    *,
    nodes: Mapping[str, str] = EXAMPLE_NODES,
    zone: str = EXAMPLE_ZONE,
    names: Sequence[str] = (),
    servers: Sequence[str] = (EXAMPLE_SERVER,),
    mirrors: Mapping[str, str] = MappingProxyType({"www": "/var/www"}),
) -> str:
    """The text of a configuration file for two nodes (name to address).

    `names` are the DNS names that move; without one it is `www.` below the zone. Where the nodes' addresses are host
    names, or not of one family, the names' values are examples, and the text says so.
    """
    type_, values = _record_values(nodes)
    environment = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the product is YAML, not HTML; every value goes through the yaml filter
    )
    environment.filters["yaml"] = as_yaml
    template = resources.files("failover.templates").joinpath("failover.yaml.j2").read_text("utf-8")
    return environment.from_string(template).render(
        nodes=nodes,
        zone=zone,
        names=names or (f"www.{zone}",),
        servers=servers,
        mirrors=mirrors,
        type=type_ or "A",
        values=values,
        values_are_examples=type_ is None,
        keys=_descriptions(),
        default_values=_default_values,
    )


def _record_values(nodes: Mapping[str, str]) -> tuple[str | None, Mapping[str, str]]:
    """The record type for the nodes' addresses and the addresses; type None where they are only examples."""
    try:
        versions = {ip_address(address).version for address in nodes.values()}
    except ValueError:
        versions = set()
    if len(versions) == 1:
        return ("A" if versions == {4} else "AAAA"), nodes
    return None, dict(zip(nodes, EXAMPLE_NODES.values(), strict=False))


def _descriptions() -> dict[tuple[str, ...], Description]:
    return {
        (*key.section, key.name): Description(key.field.description or "", "" if key.inner else key.kind)
        for key in all_keys()
    }


def _default_values(section: tuple[str, ...]) -> list[tuple[str, Any]]:
    """The keys of a section that have defaults, with these; not those that open sections."""
    return [
        (key.name, plain_default(key))
        for key in all_keys()
        if key.section == section and not key.is_required and key.inner is None
    ]


def plain_default(key: Key) -> Any:
    """A key's default as JSON has it."""
    return to_jsonable_python(key.field.default)
