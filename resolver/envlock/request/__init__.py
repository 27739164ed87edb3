"""From what a user types or has in files to the parts of a `Request`.

Words of the command line, requirements and constraints files, pyproject.toml,
environment.yml. Pure apart from reading files through `envlock.system.read_text`.
"""
