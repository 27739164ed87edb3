"""Interpreters, and the environments that are built from them and looked into."""
