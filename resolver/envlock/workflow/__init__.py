"""Each command as a straight list of steps, without a terminal."""
