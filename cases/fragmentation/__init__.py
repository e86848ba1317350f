"""Fragmentation: a message is the concatenation of its fragments, and only that (RFC 6455 section 5.4)."""
