"""The wire formats, without I/O: any octets can be written and read, legal or not, and nothing is judged."""
