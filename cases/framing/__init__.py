"""Framing: headers, payload lengths and reserved bits, in any TCP segments (RFC 6455 sections 5.2, 5.6, 6.2)."""
