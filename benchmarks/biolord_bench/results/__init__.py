"""Results: typed, written as JSON, read strictly, joined."""
