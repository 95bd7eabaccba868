from __future__ import annotations

from failover.replication.privileges import missing_privileges, render_grants, render_replication_grants

# As a 10.11 server prints them: sorted its own way, with an older name.
REAL = (
    (
        "GRANT RELOAD, PROCESS, SUPER, BINLOG MONITOR, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICATION SLAVE ADMIN,"
        " SLAVE MONITOR ON *.* TO `failover_admin`@`localhost` IDENTIFIED BY PASSWORD '*AB'"
    ),
    "GRANT SELECT ON `mysql`.* TO `failover_admin`@`localhost`",
    "GRANT ALL PRIVILEGES ON `failover`.* TO `failover_admin`@`localhost`",
)


def test_a_real_account_with_everything_lacks_nothing() -> None:
    assert missing_privileges(REAL) == ()


def test_what_is_missing_is_named() -> None:
    rows = [REAL[0].replace("READ_ONLY ADMIN, ", "").replace("SLAVE MONITOR", "REPLICATION SLAVE")]

    assert missing_privileges(rows) == (
        "READ_ONLY ADMIN",
        "REPLICA MONITOR",
        "SELECT ON mysql.*",
        "ALL PRIVILEGES ON failover.*",
    )


def test_an_all_powerful_account_lacks_nothing() -> None:
    assert missing_privileges(["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"]) == ()


def test_no_rows_is_everything_missing() -> None:
    assert "SUPER" in missing_privileges([])


def test_the_statements_quote_the_account() -> None:
    first, _, second = render_grants("fail'over", "%")

    assert first.endswith("ON *.* TO 'fail''over'@'%'")
    assert second == "GRANT ALL PRIVILEGES ON `failover`.* TO 'fail''over'@'%'"
    assert render_replication_grants("r", "10.0.0.2") == ("GRANT REPLICATION SLAVE ON *.* TO 'r'@'10.0.0.2'",)
