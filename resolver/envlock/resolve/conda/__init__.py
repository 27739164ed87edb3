"""From conda specs to conda packages that obey the rules: the same loop, another engine."""
