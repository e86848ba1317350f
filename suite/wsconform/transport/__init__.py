"""Byte streams to and from a target (TCP, TLS, memory), listeners, and programs that the suite starts."""
