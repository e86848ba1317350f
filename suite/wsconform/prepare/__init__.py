"""From command-line words and configuration files to a plan that can run; both faces stand on it."""
