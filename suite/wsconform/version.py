"""The version of the package; part of every journal and of the catalogue's digest."""

__version__ = "0.1.0"
