"""What tests of the command line start from: the program, an index, a channel of conda."""

from support.fixtures import channel, envlock, index, program

__all__ = ["channel", "envlock", "index", "program"]
