"""Starting a run: plan, report all faults, then upload, post and follow. Shared by two tools."""
