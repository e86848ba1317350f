"""The opening handshake of clients: their requests, and responses that they accept or refuse (RFC 6455 section 4.1)."""
