"""How a connection ends: the closing handshake, status codes, failing the connection, and TCP under it all."""
