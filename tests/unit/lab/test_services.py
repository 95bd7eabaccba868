"""What the servers are given, and how it is seen that they serve."""

from __future__ import annotations

import io
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from failover.config.settings import Settings
from failover.lab.host_file import HostFile, archive, folder
from failover.lab.pair import Secrets, lab_configuration
from failover.lab.services import bind, mariadb, sshd
from failover.lab.services.certificates import CertificateAuthority
from failover.lab.services.waiting import listening_paths, listening_ports
from failover.lab.site_store import Uploads, is_name, is_token, names_in

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0B004D0A:0CEA 0C004D0A:8A52 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
"""
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 101 /run/mysqld/mysqld.sock
0000: 00000003 00000000 00000000 0001 03 102 /run/other.sock
0000: 00000003 00000000 00000000 0001 03 103
"""


def test_a_port_listens_and_a_connection_does_not() -> None:
    assert listening_ports(TCP) == {22}


def test_a_socket_that_accepts_is_told_from_a_connected_one() -> None:
    assert listening_paths(UNIX) == {"/run/mysqld/mysqld.sock"}


def test_a_database_is_born_read_only_and_durable() -> None:
    lines = mariadb.configuration(2).splitlines()

    for line in ("read_only = 1", "server_id = 2", "sync_binlog = 1", "innodb_flush_log_at_trx_commit = 1"):
        assert line in lines


def test_strings_of_sql_cannot_end_early() -> None:
    assert mariadb.quote("a'b\\") == "'a''b\\\\'"


def test_the_key_may_move_exactly_the_names_and_their_registers() -> None:
    policy = bind.update_policy(("www.example.test",))

    assert policy == (
        "update-policy { grant failover name www.example.test. A AAAA; "
        "grant failover name _failover.www.example.test. TXT; };"
    )


def test_the_key_is_not_in_a_file_that_others_may_read() -> None:
    files = bind.primary_files(bind.SITE_NAMES, "10.77.0.11", "c2VjcmV0")

    assert [file.mode for file in files if b"c2VjcmV0" in (file.content or b"")] == [0o640]


def test_the_zone_has_both_name_servers_with_their_addresses() -> None:
    zone = bind.zone_text(("www.example.test",), "10.77.0.11")

    assert "example.test. NS ns2.example.test.\n" in zone
    assert "ns2.example.test. A 10.77.0.54\n" in zone
    assert "www.example.test. A 10.77.0.11\n" in zone


def test_a_server_certificate_is_signed_for_name_and_address() -> None:
    authority = CertificateAuthority("lab", now=NOW)
    issued = x509.load_pem_x509_certificate(authority.issue("web1", "10.77.0.11").certificate)

    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web1"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.77.0.11"]


def test_an_ssh_key_is_a_pair() -> None:
    key = sshd.make_key("somebody")

    private = load_ssh_private_key(key.private, None)
    public = key.public.encode().split()
    assert key.public.endswith(" somebody")
    assert public[0] == b"ssh-ed25519"
    assert private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split() == public[:2]


def test_a_confined_key_runs_one_command() -> None:
    line = sshd.confined(sshd.SshKey(b"", "ssh-ed25519 AAAA x"), "failover receive")

    assert line == 'restrict,command="failover receive" ssh-ed25519 AAAA x\n'


def test_an_archive_keeps_mode_and_owner_by_name() -> None:
    files = (folder("/etc/x", mode=0o700), HostFile("/etc/x/y", b"abc", mode=0o640, owner="root:bind"))

    with tarfile.open(fileobj=io.BytesIO(archive(files))) as tar:
        entries = tar.getmembers()
        content = tar.extractfile("etc/x/y")
        assert content is not None
        assert content.read() == b"abc"
    assert [(entry.name, entry.mode, entry.uname, entry.gname) for entry in entries] == [
        ("etc/x", 0o700, "root", "root"),
        ("etc/x/y", 0o640, "root", "bind"),
    ]
    assert entries[0].isdir()


def test_the_configuration_of_the_lab_is_one() -> None:
    text = lab_configuration()

    settings = Settings.model_validate(yaml.safe_load(text))
    assert settings.nodes["web2"].address == "10.77.0.12"
    assert [record.name for record in settings.dns.records] == ["www.example.test.", "site.example.test."]
    assert "&" not in text  # an anchor of YAML, which the product refuses


def test_secrets_do_not_print() -> None:
    secrets = Secrets()

    assert secrets.database not in repr(secrets)
    assert secrets.database != Secrets().database


@pytest.mark.parametrize("name", ["..", ".x", "a/b", "", "a" * 101, "a\n", "-x"])
def test_an_upload_cannot_leave_its_folder_or_hide(name: str) -> None:
    assert not is_name(name)


def test_ordinary_names_and_tokens_are_fine() -> None:
    assert is_name("IMG_1.jpeg")
    assert is_token("comment-v1-000001-0a1b2c3d")
    assert not is_token("a" * 65)


def test_an_upload_is_there_whole_and_nothing_else_is(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)

    uploads.put("a.txt", b"one")
    uploads.put("a.txt", b"two")

    assert uploads.get("a.txt") == b"two"
    assert uploads.get("b.txt") is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert stat.S_ISREG((tmp_path / "a.txt").stat().st_mode)


def test_pages_of_a_missing_folder_are_none(tmp_path: Path) -> None:
    assert names_in(tmp_path / "none") == ()
