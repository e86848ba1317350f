"""Our end of a connection: frames sent and received, the opening handshake in both roles, the checks of cases."""
