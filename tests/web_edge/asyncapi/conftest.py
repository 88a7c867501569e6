"""An edge with accounts for this folder too."""

from tests.web_edge.accounts.conftest import account_settings, keys, town

__all__ = ["account_settings", "keys", "town"]
