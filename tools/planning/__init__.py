"""Plan a bundle for a user's own data, and write it."""
