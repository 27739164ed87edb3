"""The formats of files that people have: one module each, with what reads and edits it.

A reader yields what is in a file piece by piece, each with its place and with
what it means or its fault. Who cannot do with less raises all the faults
(`faults.Faults`); who looks into a file makes them notes and goes on. What
kind of file one is, `detect` alone says. Pure apart from reading.
"""
