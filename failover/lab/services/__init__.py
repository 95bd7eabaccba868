"""The servers of the lab's hosts, by the names a host enables them under."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from failover.lab.host import Service
from failover.lab.services.bind import Bind
from failover.lab.services.daemon import Daemon
from failover.lab.services.mariadb import MariaDb
from failover.lab.services.sshd import Sshd

SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        "sshd": Sshd(),
        "mariadb": MariaDb(),
        "named": Bind(),
        "sync": Daemon("sync"),
        "monitor": Daemon("monitor"),
    }
)
