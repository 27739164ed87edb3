"""Every reader of what somebody else wrote, given what nobody would write.

A registry of readers, a corpus of small files for each, mutators that know
the languages, and a run that is the same for the same seed.
"""
