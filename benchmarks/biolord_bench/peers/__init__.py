"""The other tools: what each needs, and how it is run at its best."""
