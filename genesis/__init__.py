"""The front door: the `genesis` command, the all-in-one local stack, the demo piece."""
