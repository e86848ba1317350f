"""One run: probing a target, running cases against it, confirming and judging what it did."""
