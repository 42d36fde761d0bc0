"""All that knows insurance and is no workflow prose:

How claims come in, are read, demonstrated; what an insurer's people act as; the company's systems behind the tools.
Imported by `app.installed` alone; by workflows, how papers are read.
"""
