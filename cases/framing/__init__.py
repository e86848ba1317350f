"""Framing: how a frame is read, whatever TCP does to it (RFC 6455 sections 5.2, 5.6, 6.2)."""
