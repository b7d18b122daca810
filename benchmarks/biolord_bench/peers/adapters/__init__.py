"""One module a tool: imports the tool when it is imported itself, and gives ``load(settings)``."""
