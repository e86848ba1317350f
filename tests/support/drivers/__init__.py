"""Programs that loop over the cases, as people write them for Autobahn; each runs in a process of its own."""
