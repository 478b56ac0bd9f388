"""The demo: organizations, people and months of believable usage."""
