"""Control frames: Ping and Pong, what a control frame may look like, and where it may stand."""
