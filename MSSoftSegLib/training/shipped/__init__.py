"""How the model that ships is made: synthetic patients first, whole brains last, a real exam in the mix at the end."""
