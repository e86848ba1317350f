"""Compatibility with Autobahn|Testsuite: its case ids and its configuration files."""
