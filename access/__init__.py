"""Who calls, and what they may: tokens, API keys and TLS, the same at every door."""
