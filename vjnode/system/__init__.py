"""The operating system: consoles, priorities, and Windows' own interfaces."""
