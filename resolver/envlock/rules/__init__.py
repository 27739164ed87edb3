"""The knowledge: rules as data, chosen for an anchor, checked on a lock. Pure."""
