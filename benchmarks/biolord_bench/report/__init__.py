"""Results for a terminal, as Markdown, as a page, and in the README."""
