"""The journal: results written, read, counted, compared with expectations, merged and gated."""
