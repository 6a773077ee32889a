"""Topics: the query language in which users describe news subjects, and the matcher for it."""
