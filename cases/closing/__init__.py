"""How a connection ends: the closing handshake, status codes, failing the connection, and the end of TCP."""
