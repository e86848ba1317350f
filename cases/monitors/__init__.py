"""Monitors: rules that watch all frames and heads that a target sends, in every case of a run."""
