"""Coverage judged: which intervals hold what they should, what marks are worth, and one page that says so."""
