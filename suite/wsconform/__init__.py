"""wsconform."""
