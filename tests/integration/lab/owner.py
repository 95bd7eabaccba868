"""`python owner.py NAME [pair]`: brings a lab up, prints what it is, and waits to be killed or for its input to end."""

from __future__ import annotations

import sys

from failover.lab.lab import Lab
from failover.lab.pair import provision
from failover.lab.services import mariadb


def main() -> None:
    with Lab.up(sys.argv[1]) as lab:
        if "pair" in sys.argv[2:]:
            provision(lab)
            state = mariadb.replication_state(lab.host("web2"))
            assert state["Slave_IO_Running"] == "Yes", state
        sys.stdout.write(lab.state.to_json().decode().replace("\n", " ") + "\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    main()
