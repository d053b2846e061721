"""Published results held against records: one file each in ``results/``, verdicts computed, one page."""
