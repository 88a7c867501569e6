"""The contract with the outside: generated stubs, codec, subject names, error tables. Nothing here decides anything."""
