"""Exports of one recorded case for other tools: a Python script, a shell script, a hex dump, a packet capture.

Each is a function `render(target, result, start) -> bytes` behind an entry point of the group `wsconform.exports`. It
raises CannotExport, a ValueError, if the journal lacks octets that the export needs.
"""
