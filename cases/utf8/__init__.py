"""UTF-8: a text message is valid as a whole, or the connection is failed (RFC 6455 5.6, 8.1; RFC 3629)."""
