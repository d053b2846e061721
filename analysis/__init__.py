"""Analysis: frames of records, pictures, tables, words and reports; it reads records and never measures."""
