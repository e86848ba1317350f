"""What pytest needs to know at the root: the catalogue's modules are cases of the suite, not tests of it."""

collect_ignore = ["cases", "reports", "fixtures", "suite", "build", "bench", "docs"]
