"""The demo piece: a tab typed by hand, played by a sampled guitar, with its exact truth beside it."""
