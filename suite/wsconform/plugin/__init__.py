"""The pytest plugin (the second face): idle unless a target is asked for."""
