"""Package indexes: where they are, what they list, and how to keep their secrets.

`settings` reads pip's configuration, `pages.Index` answers which files a
project has, `releases` groups them by version, `redact` hides credentials.
"""
