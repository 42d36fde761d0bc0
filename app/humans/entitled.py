"""Who is entitled to answer a human task: its role, and none of those who took part in what it would approve.

It says beforehand what the ledger would refuse; the ledger decides (`took_part` in the database).
"""

from __future__ import annotations

from app.accounts.people import Person
from app.store.human_tasks.rows import TaskInRun


def refusal(task: TaskInRun, person: Person) -> str | None:
    """Why this person may not answer the task, as a sentence to them; None if they may."""
    if task.role not in person.roles:
        return f"This task is for the role {task.role}; you have {', '.join(person.roles) or 'no role'}."
    if person.username in task.not_by:
        return "You took part in what is to be approved; somebody else must answer."
    if part := task.took_part.get(person.username):
        return f"This task approves an action of a run in which you took part (you {part}); somebody else must answer."
    return None
