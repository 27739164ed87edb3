"""The formats of files that people have: one module each, with what reads, writes and edits it.

A reader yields what is in a file piece by piece, each with its place and with
what it means or its fault. Who cannot do with less raises all the faults
(`faults.Faults`); who looks into a file makes them notes and goes on. A lock
becomes named texts, and a lock file a `Lock` again. What kind of file one is,
and what it can hold, `registry` alone says. Pure apart from reading.
"""
