"""The wire formats, sans I/O: any octets can be written and read here, and nothing is judged."""
