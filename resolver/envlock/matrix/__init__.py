"""Many cells, run and recorded: which, in which order, and by whom."""
