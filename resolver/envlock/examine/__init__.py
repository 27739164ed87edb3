"""From files and texts that people have to `Examined`: what is known of an environment.

Everything is read as far as it can be understood. A line that cannot be is a
note with its place, not an error. Pure apart from reading files.
"""
