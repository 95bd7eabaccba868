"""`python -m failover` is the `failover` command."""

from failover.cli.main import main

raise SystemExit(main())
