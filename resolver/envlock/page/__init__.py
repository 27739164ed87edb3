"""Evidence for the eye: a table in the terminal, a page, a picture. Pure."""
