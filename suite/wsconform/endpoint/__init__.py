"""Our end of a connection: sending and receiving frames, the opening handshake in both roles, and what cases check."""
