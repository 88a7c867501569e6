"""Recordings at rest: sealed with AES-256-GCM, in a folder or in a bucket."""
