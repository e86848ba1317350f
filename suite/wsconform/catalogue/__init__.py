"""Cases and monitors: how they are declared, loaded, selected and named."""
