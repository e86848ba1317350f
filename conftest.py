"""Settings of pytest at the root: a walk through the folders collects tests only, not the cases of the catalogue.

`pytest cases --ws-target URL` names cases directly, so the plugin (wsconform.plugin) collects them.
"""

collect_ignore = ["cases", "reports", "fixtures", "suite", "build", "bench", "docs"]
