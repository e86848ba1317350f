"""The requirement registry: the normative statements of the standards, read from TOML files."""
