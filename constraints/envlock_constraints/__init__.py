"""What package metadata does not say about TensorFlow, Keras and h5py: data only."""
