"""The suite as the server: clients connect, each connection is one case (`wsconform serve`)."""
