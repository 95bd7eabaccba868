"""The command line: one file a command group; errors become text and an exit status here only."""
