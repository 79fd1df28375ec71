"""What Motion Graphics draws: what a prompt asks for, and what a talk offers by itself."""
