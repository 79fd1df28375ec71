"""A small composer: background music from rules, for when the user has none.

    moods        words -> how it is to sound: tempo, scale, chords, instruments
    score        a mood and a seed -> notes and beats, bar by bar
    instruments  a note -> samples
    composing    the whole piece, mixed, level and written to a file (runs in the helper)

No recordings and no model: tones are sums of sines, drums are shaped noise. The same recipe gives
the same samples.
"""
