"""Speech from text, on this machine: espeak-ng, always in a process of its own.

espeak-ng is under the GPL. It is either the command that the system has, or the library of the
`espeakng-loader` package (the extra `voice`), which `program.py` alone loads: a program that gets
text through a pipe, writes a WAV file, and imports nothing of ours.
"""
