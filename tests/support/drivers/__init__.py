"""Programs that drive clients under test, as people have written them for years; run as processes of their own."""
