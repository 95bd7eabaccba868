"""The servers of the lab's hosts, by the names a host enables them under."""

from __future__ import annotations

from collections.abc import Mapping

from failover.lab.host import Service

SERVICES: Mapping[str, Service] = {}
