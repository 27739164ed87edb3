"""A locked environment as an image: the Dockerfile and what its build reads. Pure.

`envlock.docker.bases` chooses the base image, `envlock.docker.recipe` writes
the files, `envlock.docker.bases` keeps somebody's words from becoming
instructions, `envlock.docker.bases` reads what a base image already holds.
"""
