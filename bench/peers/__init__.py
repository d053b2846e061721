"""Peers: varbench beside other people's code in one run, in turns, and whether the statistics of both agree."""
