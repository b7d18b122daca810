"""Reading texts from files: bytes → lines → rows. A format is a row of `formats`, and a file where it is a new kind."""
