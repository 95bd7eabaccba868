"""OpenSSH in the hosts: own host keys that everybody knows beforehand, root by key only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from failover.lab.host import Host
from failover.lab.host_file import HostFile
from failover.lab.services.waiting import is_listening, wait_until

PORT = 22
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
LOG = "/var/log/sshd.log"
_CONFIGURATION = f"""\
HostKey {HOST_KEY}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True, slots=True)
class SshKey:
    """A key pair, as ssh-keygen(1) writes it."""

    private: bytes
    public: str
    """One line: type, key, comment."""


def make_key(comment: str) -> SshKey:
    """A new Ed25519 key."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    return SshKey(private, f"{public} {comment}")


def files(host_key: SshKey) -> tuple[HostFile, ...]:
    """What an sshd needs on disk."""
    return (
        HostFile("/etc/ssh/sshd_config", _CONFIGURATION.encode()),
        HostFile(HOST_KEY, host_key.private, mode=0o600),
        HostFile(f"{HOST_KEY}.pub", f"{host_key.public}\n".encode()),
    )


def known_hosts(hosts: Iterable[Host]) -> bytes:
    """A known_hosts file (sshd(8)), by the hosts' own .pub files: each host under its name and its address."""
    lines = []
    for host in hosts:
        kind, key, *_ = host.read(f"{HOST_KEY}.pub").decode("ascii").split()
        lines.append(f"{host.name},{host.name}.example.test,{host.address} {kind} {key}\n")
    return "".join(lines).encode()


def confined(key: SshKey, command: str) -> str:
    """A line for authorized_keys (sshd(8)): the key runs that command and can do nothing else."""
    return f'restrict,command="{command}" {key.public}\n'


class Sshd:
    """sshd on port 22."""

    def start(self, host: Host) -> None:
        """Start it, unless it runs."""
        if is_listening(host, PORT):
            return
        host.make_folder("/run/sshd")
        # By its whole path: it starts itself anew for every connection.
        host.start_server(("/usr/sbin/sshd", "-D", "-e"), log=LOG)

    def ready(self, host: Host) -> None:
        """Wait until it listens. Raises LabError."""
        wait_until(host, lambda: is_listening(host, PORT), "sshd listens", log=LOG)
