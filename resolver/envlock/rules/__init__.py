"""The knowledge: rules as data, chosen for a candidate, checked on a lock. Pure."""
