"""One recorded case for other tools: a Python script, a shell line, a hex dump, a packet capture.

Each is a function `render(target, result, start) -> bytes` behind an entry point of the group `wsconform.exports`; it
raises CannotExport, a ValueError, where the journal does not hold what is needed.
"""
