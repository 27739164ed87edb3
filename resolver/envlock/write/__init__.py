"""Output formats: a `Lock` becomes named texts, and a lock file a `Lock` again. Pure.

A format is a `Format` member, a module with ``render`` and ``read``, and a row
in `envlock.write.formats.FORMATS` with what it can hold.
"""
