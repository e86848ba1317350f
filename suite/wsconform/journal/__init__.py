"""The journal of a run: writing, reading, counting, comparing, merging, and the gate."""
