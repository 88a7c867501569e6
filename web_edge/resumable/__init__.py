"""Uploads that go on where they were cut off: the server side of tus 1.0 (https://tus.io/protocols/resumable-upload)."""
