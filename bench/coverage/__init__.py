"""Coverage: measurements repeated where the truth is known, and how often their intervals hold it."""
