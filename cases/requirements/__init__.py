"""The requirement registry: one TOML file per document.

In the field `how`, T is wsconform, P the target in either role, S a server and C a client under test, and I an
intermediary under test, with wsconform's client TC on one side of it and its server TS on the other.
"""
