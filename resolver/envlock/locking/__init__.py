"""A job becomes a lock: what is there already, what was proved, what is solved."""
