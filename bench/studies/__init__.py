"""Studies that ship with varbench, as TOML files."""
