"""Where the seconds and the memory go."""

COPIES = 4  # phantoms of every situation, unless a user asks for others; here, as the command line reads it before it needs numpy
