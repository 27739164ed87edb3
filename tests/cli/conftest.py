"""The program in a folder of its own, and an index with a TensorFlow of a few lines."""

from support.fixtures import envlock, index, program

__all__ = ["envlock", "index", "program"]
