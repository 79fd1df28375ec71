"""How long tests wait for what must come: on a machine that does much else, and for faults only."""

WAIT_S = 240.0
"""For an answer, a start or an end."""
PROGRAM_S = 1200.0
"""For a whole program: an edit from its start to its files, an installation."""
