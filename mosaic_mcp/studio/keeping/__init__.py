"""Keeping: what stays on the disk, what goes, and how what went comes back."""
