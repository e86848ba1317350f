"""Control frames: Ping and Pong, the form of a control frame, and control frames inside messages."""
