"""The files of a lock in a folder, from which alone it is installed."""
