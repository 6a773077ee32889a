"""The brokers: one module for each, behind the same protocol."""
