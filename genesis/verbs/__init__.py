"""The verbs of the `genesis` command, one a module. Heavy imports stand inside the verbs: `--help` must be quick."""
