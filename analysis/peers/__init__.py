"""Peers side by side: the table, its verdicts, a figure and a page, from the numbers of ``varbench peers``."""
