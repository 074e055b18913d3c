"""Where the seconds and the memory go."""
