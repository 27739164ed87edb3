"""The commands: of each its options, its steps and its words."""
