"""How a step's writes reach the database: one by one, or those of a whole process in groups.

Imported by `app.bootstrap` and `app.engine`.
"""
