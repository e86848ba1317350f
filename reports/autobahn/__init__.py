"""The older suite's index.json and per-case files, from journals."""
