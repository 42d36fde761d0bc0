"""What is recommended for a claim and why: by rules, by a model, the note for who reviews, and the sentence a letter adds.

Imported by the workflow.
"""
