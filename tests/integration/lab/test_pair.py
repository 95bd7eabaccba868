"""What a pair stands on: logins, the database, DNS, the site."""

from __future__ import annotations

import sys

import pytest

from failover.errors import ProgramError
from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.lab.pair import ADMIN, REPLICATION, SECRETS, Secrets
from failover.lab.services import SERVICES, mariadb
from failover.lab.services.site import Site
from failover.lab.services.waiting import wait_until
from tests.integration.lab.reach import fetch

pytestmark = pytest.mark.integration

SSH = (
    "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
    "-o", "UserKnownHostsFile=/etc/failover/ssh/known_hosts", "-o", "GlobalKnownHostsFile=/dev/null",
    "-i", "/etc/failover/ssh/id_ed25519",
)  # fmt: skip
_UPDATE = """
import base64, sys
import dns.query, dns.rcode, dns.tsig, dns.tsigkeyring, dns.update
key = open("/etc/failover/secrets/tsig").read().strip()
if sys.argv[1] == "wrong": key = base64.b64encode(b"x" * 32).decode()
ring = None if sys.argv[1] == "none" else dns.tsigkeyring.from_text({"failover.": key})
update = dns.update.Update("example.test", keyring=ring, keyalgorithm="hmac-sha256")
update.replace(sys.argv[2], 2, sys.argv[3], sys.argv[4])
try:
    print(dns.rcode.to_text(dns.query.tcp(update, "10.77.0.53", timeout=5).rcode()))
except dns.tsig.PeerBadSignature:
    print("BADSIG")
"""
_CONNECT = """
import sys, pymysql
user, secret, host, tls = sys.argv[1:]
options = {"host": host, "ssl_ca": tls, "ssl_verify_identity": True}
if tls == "plain":
    options = {"host": host, "ssl_disabled": True}
if tls == "socket":
    options = {"unix_socket": host}
try:
    session = pymysql.connect(user=user, password=open(secret).read().strip(), connect_timeout=3, **options)
    with session.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_version'")
        print(cursor.fetchone()[1])
except pymysql.MySQLError as error:
    print("refused", error.args[0])
"""


def update(operator: Host, name: str, kind: str, value: str, *, key: str = "right") -> str:
    return operator.run((sys.executable, "-c", _UPDATE, key, name, kind, value)).stdout.decode().strip()


def ask(operator: Host, server: str, name: str, kind: str = "A") -> str:
    return operator.run(("dig", "+short", "+time=1", f"@{server}", name, kind)).stdout.decode().strip()


@pytest.mark.parametrize(
    ("from_", "to"), [("web1", "web2"), ("web2", "10.77.0.11"), ("operator", "web1.example.test")]
)
def test_a_key_opens_the_nodes_and_runs_one_command_only(lab: Lab, from_: str, to: str) -> None:
    result = lab.host(from_).run((*SSH, f"root@{to}", "touch /tmp/broken-in"), accepted=range(256))

    # 255 would be ssh itself: no login. What answers is failover's receive, and not a shell.
    assert result.status != 255, result.stderr
    assert b"failover" in result.stderr
    assert not lab.host("web1").exists("/tmp/broken-in")
    assert not lab.host("web2").exists("/tmp/broken-in")


def test_a_key_opens_nothing_else(operator: Host) -> None:
    result = operator.run((*SSH, "root@ns1", "true"), accepted=range(256))

    assert result.status == 255
    assert b"Permission denied" in result.stderr


def test_the_standby_replicates_over_tls_with_the_source_verified(web1: Host, web2: Host) -> None:
    state = mariadb.replication_state(web2)

    assert (state["Slave_IO_Running"], state["Slave_SQL_Running"], state["Using_Gtid"]) == (
        "Yes",
        "Yes",
        "Slave_Pos",
    )
    assert state["Master_SSL_Verify_Server_Cert"] == "Yes"
    plain = mariadb.sql(
        web1, "SELECT COUNT(*) FROM information_schema.processlist WHERE COMMAND LIKE 'Binlog%';"
    )
    assert plain.strip() == "1"
    mariadb.sql(web1, "INSERT INTO site.comments (token, body, author) VALUES ('r1', 'x', 'y');")
    mariadb.wait_for_position(web2, mariadb.sql(web1, "SELECT @@gtid_binlog_pos;").strip())
    assert mariadb.sql(web2, "SELECT body FROM site.comments WHERE token = 'r1';") == "x\n"


@pytest.mark.parametrize("name", ["web1", "web2"])
def test_a_database_is_read_only_until_somebody_opens_it(lab: Lab, name: str) -> None:
    assert mariadb.sql(lab.host(name), "SELECT @@read_only;") == "1\n"


def test_replication_needs_tls_and_the_certificate_holds(operator: Host) -> None:
    def connect(tls: str) -> str:
        argv = (sys.executable, "-c", _CONNECT, REPLICATION, f"{SECRETS}/replication", "10.77.0.12", tls)
        return operator.run(argv).stdout.decode().strip()

    assert connect("/etc/failover/ca.pem").startswith("TLSv1.")
    assert connect("plain") == "refused 1045"


def test_failovers_own_account_works_on_the_node_and_from_nowhere_else(web2: Host, operator: Host) -> None:
    argv = (sys.executable, "-c", _CONNECT, ADMIN, f"{SECRETS}/database")

    assert b"refused" not in web2.run((*argv, mariadb.SOCKET, "socket")).stdout
    assert operator.run((*argv, "10.77.0.12", "/etc/failover/ca.pem")).stdout.startswith(b"refused")


def test_secrets_are_for_root_only_and_not_in_any_argv(
    lab: Lab, lab_and_secrets: tuple[Lab, Secrets]
) -> None:
    secrets = lab_and_secrets[1]
    for name in ("web1", "web2", "operator"):
        host = lab.host(name)
        assert host.run(("find", SECRETS, "-type", "f", "-perm", "/077")).stdout == b""
        assert host.run(("find", SECRETS, "-type", "f", "-printf", "%f\n")).stdout.split() != []
        argvs = host.run(("ps", "-e", "-o", "args=")).stdout.decode()
        assert all(secret not in argvs for secret in (secrets.database, secrets.replication, secrets.tsig))


def test_the_key_moves_the_sites_names_and_both_servers_follow(operator: Host) -> None:
    assert ask(operator, "10.77.0.54", "www.example.test") == "10.77.0.11"

    assert update(operator, "www", "A", "10.77.0.12") == "NOERROR"
    wait_until(
        operator, lambda: ask(operator, "10.77.0.54", "www.example.test") == "10.77.0.12", "ns2", log="/x"
    )
    assert ask(operator, "10.77.0.53", "www.example.test") == "10.77.0.12"
    assert update(operator, "_failover.www", "TXT", '"v=failover1"') == "NOERROR"
    assert update(operator, "www", "A", "10.77.0.11") == "NOERROR"
    wait_until(
        operator, lambda: ask(operator, "10.77.0.54", "www.example.test") == "10.77.0.11", "ns2", log="/x"
    )


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("ns1", "A", "10.77.0.99"),
        ("www", "TXT", '"x"'),
        ("new", "A", "10.77.0.99"),
        ("_failover.www", "A", "10.0.0.1"),
    ],
)
def test_the_key_moves_nothing_else(operator: Host, name: str, kind: str, value: str) -> None:
    assert update(operator, name, kind, value) == "REFUSED"


@pytest.mark.parametrize(("key", "answer"), [("none", "REFUSED"), ("wrong", "BADSIG")])
def test_without_the_key_nothing_moves(operator: Host, key: str, answer: str) -> None:
    assert update(operator, "www", "A", "10.77.0.99", key=key) == answer


def test_a_name_server_keeps_updates_over_a_power_cut(lab: Lab, operator: Host) -> None:
    assert update(operator, "_failover.site", "TXT", '"kept"') == "NOERROR"

    with lab.faults.power_cut("ns1"):
        assert ask(operator, "10.77.0.54", "www.example.test") == "10.77.0.11"

    assert ask(operator, "10.77.0.53", "_failover.site.example.test", "TXT") == '"kept"'


def test_a_node_comes_back_from_a_power_cut_read_only_and_replicating(lab: Lab, web2: Host) -> None:
    mariadb.sql(web2, "SET GLOBAL read_only = 0;")

    with lab.faults.power_cut("web2"):
        pass

    assert mariadb.sql(web2, "SELECT @@read_only;") == "1\n"
    wait_until(
        web2,
        lambda: mariadb.replication_state(web2)["Slave_IO_Running"] == "Yes",
        "replication",
        log=mariadb.LOG,
    )


def test_a_database_stops_in_order_and_starts_again(web1: Host) -> None:
    server = mariadb.MariaDb()

    server.stop(web1)
    with pytest.raises(ProgramError):
        mariadb.sql(web1, "SELECT 1;")
    server.start(web1)
    server.ready(web1)

    assert b"Crash recovery" not in web1.read(mariadb.LOG)


def test_the_site_keeps_what_it_acknowledges_and_escapes_what_it_shows(web1: Host, operator: Host) -> None:
    mariadb.sql(web1, "SET GLOBAL read_only = 0;")
    site = Site()
    site.start(web1)
    site.start(web1)

    def ask_site(method: str, path: str, body: str = "", **options: str) -> tuple[int, str]:
        return fetch(operator, method, path, name="www.example.test", body=body, **options)

    assert (
        ask_site("POST", "/comments", '{"token": "t1", "body": "<b>hi"}', kind="application/json")[0] == 201
    )
    assert ask_site("POST", "/comments", "token=t1&body=again")[0] == 409
    assert ask_site("GET", "/comments/t1") == (200, "<b>hi")
    assert ask_site("GET", "/comments/t2")[0] == 404
    assert ask_site("PUT", "/uploads/name.txt", "content")[0] == 201
    assert ask_site("GET", "/uploads/name.txt") == (200, "content")
    assert ask_site("GET", "/uploads/..%2f..%2f..%2f..%2fetc%2fpasswd")[0] == 404
    status, page = ask_site("GET", "/")
    assert status == 200
    assert "&lt;b&gt;hi" in page
    assert "served by web1" in page
    assert b"www-data" in web1.run(("stat", "-c", "%U", "/var/www/site/uploads/name.txt")).stdout
    assert (
        web1.run(("ps", "-o", "user=", "-p", web1.read("/run/site.lock").decode().strip())).stdout
        == b"www-data\n"
    )
    mariadb.sql(web1, "SET GLOBAL read_only = 1;")
    assert ask_site("POST", "/comments", "token=t3&body=no")[0] == 503
    site.stop(web1)
    site.stop(web1)
    assert ask_site("GET", "/healthz")[0] == 0


def test_the_site_finishes_what_it_has_begun(web1: Host, operator: Host) -> None:
    site = Site()
    site.start(web1)
    code = (
        "import socket, sys\n"
        "s = socket.create_connection(('10.77.0.11', 80))\n"
        "s.sendall(b'PUT /uploads/slow.bin HTTP/1.0\\r\\nContent-Length: 4\\r\\n\\r\\nab')\n"
        "print('half', flush=True); sys.stdin.readline(); s.sendall(b'cd'); print(s.recv(100).split(b'\\r\\n')[0])\n"
    )
    with operator.popen((sys.executable, "-c", code), stdin=-1, stdout=-1) as visitor:
        assert visitor.stdout is not None
        assert visitor.stdin is not None
        assert visitor.stdout.readline() == b"half\n"
        # Only once the site has the first half is the request one that it has begun.
        wait_until(web1, lambda: b":0050 " in _busy(web1), "the request", log="/x")
        stopper = web1.popen(("/etc/failover/hooks/leave-primary/50-site",))
        wait_until(web1, lambda: not _listens(web1), "no new visitors", log="/x")
        visitor.stdin.write(b"\n")
        visitor.stdin.flush()
        said = visitor.stdout.readline()
    assert stopper.wait(20) == 0

    assert b"201 Created" in said
    assert web1.read("/var/www/site/uploads/slow.bin") == b"abcd"


def _busy(host: Host) -> bytes:
    """Established connections of the host's port 80."""
    return b"\n".join(line for line in host.read("/proc/net/tcp").splitlines() if b" 01 " in line)


def _listens(host: Host) -> bool:
    # The main thread ends its loop first; a new visitor then waits in the queue and gets no answer.
    code = "import urllib.request as r; r.urlopen('http://127.0.0.1/healthz', timeout=0.3)"
    return host.run((sys.executable, "-c", code), accepted=range(256)).status == 0


def test_services_that_run_are_not_started_twice(web1: Host) -> None:
    before = {name: web1.process_numbers(name) for name in ("mariadbd", "sshd")}

    for name in web1.enabled:
        SERVICES[name].start(web1)
        SERVICES[name].ready(web1)

    assert {name: web1.process_numbers(name) for name in ("mariadbd", "sshd")} == before
