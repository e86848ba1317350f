"""The opening handshake of a server: what it must accept, refuse, and say (RFC 6455 section 4)."""
