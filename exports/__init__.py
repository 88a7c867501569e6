"""A transcription as files that other programs open, and what each of them cannot carry."""
