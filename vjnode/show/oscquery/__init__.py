"""OSCQuery: the table of parameters for programs that ask for it, and values for who listens."""
