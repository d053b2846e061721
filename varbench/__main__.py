"""python -m varbench."""

from .command_line import main

main()
