"""All that knows insurance and is no workflow prose:

How claims come in, are read, demonstrated; the company's systems behind the tools.
"""
