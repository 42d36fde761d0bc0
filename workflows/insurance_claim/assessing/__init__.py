"""What is recommended for a claim and why: by rules, by a model, and the sentence a letter adds.

Imported by the workflow.
"""
