"""`python -m genesis` is `genesis`."""

from genesis.cli import main

main()
