"""Observations: results, transcripts, and the compressed messages of a target."""
