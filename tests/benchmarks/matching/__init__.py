"""Matching beside Lucene Monitor, on the same articles and queries."""
