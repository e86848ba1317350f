"""What was observed: results, transcripts, and compressed messages as they were received."""
