"""What hears words: which models there are, how good each is, and where their weights lie."""
