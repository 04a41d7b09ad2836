"""The operating system: consoles, priorities, and what Windows alone has."""
