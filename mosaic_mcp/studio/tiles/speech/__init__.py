"""What the tiles that cut by speech share: words and pauses in output time, sentences, ranking."""
