"""The opening handshake of a server: requests that it must accept or refuse, and its response (RFC 6455 section 4)."""
