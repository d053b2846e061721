"""Node families, one a file."""
