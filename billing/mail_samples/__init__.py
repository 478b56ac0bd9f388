"""Every mail that the product sends, filled in with sample data."""
