"""What a run prints on a terminal or in a CI log."""
