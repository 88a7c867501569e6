"""What keeps a server in order over the years: backups, and the removal of what nobody needs any more."""
