"""Rendering: a timeline in, a finished file out, in one decode and one encode."""
