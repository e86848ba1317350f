"""The catalogue: one module for each subject, one function for each case or family of cases."""
