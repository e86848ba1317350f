"""The opening handshake of clients: what they ask, and which answers they take (RFC 6455 section 4.1)."""
