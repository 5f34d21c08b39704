"""`python -m pellucid`: the command."""

from pellucid.command import main

main()
