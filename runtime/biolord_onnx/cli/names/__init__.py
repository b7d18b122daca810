"""Commands that build an index of names and search it."""
