"""Monitors: rules that watch everything that a target sends, in every case of a run."""
