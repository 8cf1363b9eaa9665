"""Answer extraction and equivalence (the public names are listed here once the checker is in place)."""
