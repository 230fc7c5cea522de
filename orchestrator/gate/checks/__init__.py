"""One file per check: pure functions from evidence to an answer."""
