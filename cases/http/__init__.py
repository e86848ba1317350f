"""The opening handshake as an HTTP/1.1 message, and the connection that carries it (RFC 9110, RFC 9112)."""
