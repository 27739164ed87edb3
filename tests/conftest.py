"""What every test may rely on."""

import signal

# A job in the background, and nohup, ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
