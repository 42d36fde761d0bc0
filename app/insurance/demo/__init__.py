"""What the demonstration needs and the product does not: an outside payments service, sample claims, named people."""
