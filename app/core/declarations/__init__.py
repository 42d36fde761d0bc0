"""What a workflow declares beside its graph: prompts, tools, what its people may do, and what a downstream can bear.

Imported by workflows and by who carries it out.
"""
