"""Who may use the edge: accounts, tokens, keys, limits, and the gate before every route."""
