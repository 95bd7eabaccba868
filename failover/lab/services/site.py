"""The site as a service of a host: started and stopped by the very hooks that a role change runs."""

from __future__ import annotations

from failover.lab.host import Host
from failover.lab.host_file import HostFile, folder
from failover.lab.own_root import python_words

_HOOKS = "/etc/failover/hooks"
_HOOK = "50-site"
_LIMIT_SECONDS = 30.0


def files(password: str) -> tuple[HostFile, ...]:
    """What the site needs on disk: its folders, its password, its hooks."""
    return (
        HostFile("/etc/site/database", password.encode(), mode=0o600),
        folder("/var/www"),
        folder("/var/www/site", owner="www-data"),
        folder("/var/www/site/uploads", owner="www-data"),
        *(
            HostFile(f"{_HOOKS}/{phase}/{_HOOK}", hook_script(verb), mode=0o755)
            for phase, verb in (("enter-primary", "start"), ("leave-primary", "stop"))
        ),
    )


def hook_script(verb: str) -> bytes:
    """A hook that starts or stops the site."""
    return f"#!/bin/sh\nexec {python_words()} -m failover.lab.site_control {verb}\n".encode()


class Site:
    """The site on port 80. Not to be enabled: it belongs to the role, not to the boot."""

    def start(self, host: Host) -> None:
        """Start it and wait until it answers. Raises ProgramError."""
        host.run((f"{_HOOKS}/enter-primary/{_HOOK}",), timeout_seconds=_LIMIT_SECONDS)

    def ready(self, host: Host) -> None:
        """It is when `start` has returned."""

    def stop(self, host: Host) -> None:
        """Let it finish what it has begun, and end. Raises ProgramError."""
        host.run((f"{_HOOKS}/leave-primary/{_HOOK}",), timeout_seconds=_LIMIT_SECONDS)
