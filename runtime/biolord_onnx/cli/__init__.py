"""The command line, ``biolord``: one module per command."""
