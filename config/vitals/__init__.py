"""How the installation is: a line for whatever can go wrong, and what to do."""
