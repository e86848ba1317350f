"""From options and configuration files to a run that can start; the command line and the pytest plugin both use it."""
