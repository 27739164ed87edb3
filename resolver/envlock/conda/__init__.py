"""Conda: its packages as values, its names and channels, and the solver that knows them."""
