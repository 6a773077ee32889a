"""What text and addresses are, apart from how they are written: cleaning, words, identities."""
