"""Sending and checking echoes of large messages and of many messages."""
