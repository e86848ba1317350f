"""One run: probing a target, running cases against it, judging and confirming each result."""
