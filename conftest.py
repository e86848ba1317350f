"""What pytest needs to know at the root: the catalogue's modules are cases of the suite, not tests of it.

What is left out here is left out of a walk through the folders only: `pytest cases --ws-target URL` names cases
outright, and the plugin (wsconform.plugin) collects them.
"""

collect_ignore = ["cases", "reports", "fixtures", "suite", "build", "bench", "docs"]
