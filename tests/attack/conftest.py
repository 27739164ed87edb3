"""What attacks need: the program in a folder of its own, and an index that can lie."""

from support.fixtures import envlock, index, program

__all__ = ["envlock", "index", "program"]
