"""The output of a run on a terminal and in a CI log."""
