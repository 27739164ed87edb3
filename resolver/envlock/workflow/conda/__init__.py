"""The conda side of `envlock lock` and `envlock create`."""
