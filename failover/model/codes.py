"""Every finding code. A code is a stable word: alerts, overrides and runbook pages hang on it; it is never renamed."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The closed list of what failover can find. Sorted by domain; the value is what `--accept` takes."""

    # the pair
    NODE_UNREACHABLE = "node-unreachable"
    ROLE_UNKNOWN = "role-unknown"
    ROLES_DISAGREE = "roles-disagree"
    EPOCH_DISAGREES = "epoch-disagrees"
    PRIMARY_ANSWERS = "primary-answers"

    # the mirror
    MIRROR_DOWN = "mirror-down"
    MIRROR_HALTED = "mirror-halted"
    MIRROR_LAGGING = "mirror-lagging"
    MIRROR_UNKNOWN = "mirror-unknown"

    # the database
    DATABASE_BLOCKED_ON_ACK = "database-blocked-on-ack"
    DATABASE_CANNOT_WRITE = "database-cannot-write"
    DATABASE_UNREACHABLE = "database-unreachable"
    DATABASE_FROZEN = "database-frozen"
    DATABASE_FULL = "database-full"
    DATABASE_LOGIN_REFUSED = "database-login-refused"
    DATABASE_UNKNOWN = "database-unknown"
    PRIMARY_REPLICATES = "primary-replicates"
    PRIMARY_READ_ONLY = "primary-read-only"
    STANDBY_WRITABLE = "standby-writable"
    REPLICATION_NOT_CONFIGURED = "replication-not-configured"
    REPLICATION_WRONG_SOURCE = "replication-wrong-source"
    REPLICATION_IO_STOPPED = "replication-io-stopped"
    REPLICATION_SQL_STOPPED = "replication-sql-stopped"
    REPLICATION_LAGGING = "replication-lagging"
    REPLICATION_LAG_UNKNOWN = "replication-lag-unknown"
    ERRANT_TRANSACTIONS = "errant-transactions"
    REPLICATION_OK = "replication-ok"

    # DNS
    DNS_UNREACHABLE = "dns-unreachable"
    DNS_REFUSED = "dns-refused"
    DNS_NOT_AUTHORITATIVE = "dns-not-authoritative"
    DNS_RECORD_MISSING = "dns-record-missing"
    DNS_WRONG_ADDRESS = "dns-wrong-address"
    DNS_DISAGREES = "dns-disagrees"
    DNS_TTL_HIGH = "dns-ttl-high"
    DNS_SERVER_ON_NODE = "dns-server-on-node"
    DNS_OK = "dns-ok"
    REGISTER_MISSING = "register-missing"
    REGISTER_MALFORMED = "register-malformed"
    REGISTER_NEWER = "register-newer"
    REGISTER_DISAGREES = "register-disagrees"
