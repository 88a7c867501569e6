"""Pure rules of the music: no I/O, no clock, no framework, no threads."""
