"""Locks for TensorFlow, Keras and h5py projects that run, and the proof."""

__version__ = "0.1.0"
