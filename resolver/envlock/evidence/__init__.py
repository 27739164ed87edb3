"""What was run and how it ended: cells, sets of pins, outcomes; read, written, chosen. Pure.

A cell is one framework release on one Python and platform, and one file in
``constraints/envlock_constraints/evidence``. It holds several sets of pins:
what envlock's rules give, what a plain resolve gives, and variations.
"""
