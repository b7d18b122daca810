"""Names with their vectors in a folder that is mapped, and the search for those nearest to a text."""
