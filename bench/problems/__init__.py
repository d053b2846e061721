"""Problems, one a file: each module's ``problem(**parameters)`` returns a Problem."""
