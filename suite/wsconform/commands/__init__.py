"""The commands of `wsconform`, a module each; `wsconform.cli` imports a module when its command is used."""
