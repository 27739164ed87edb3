"""Which Python on which platform: names, wheel tags, markers, Pythons here and elsewhere.

`envlock.targets.find.find` is the one answer to it.
"""
