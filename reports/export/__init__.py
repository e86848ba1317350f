"""One conversation of a journal as something to run, to send or to open elsewhere."""
