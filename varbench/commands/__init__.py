"""The commands, one file each; what is heavy they import when they run."""
