"""Every address that changes something, and who may use it: the literal table that `test_matrix.py` holds the application to.

A new address is one new line here: its route as the application writes it, what it needs, and a request of somebody who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.declarations.roles import Right
from tests.web.complaints import ANSWER_GIVEN

ANSWER: Final = "the task's role"
SIGNED_IN: Final = "a session"
PUBLIC: Final = "nothing"  # but for the form's own token
PASSWORD = "four words in a row"

ROLES = ("adjuster", "supervisor", "siu", "operator", "auditor", "admin")
ALLOWED: Mapping[Right, frozenset[str]] = {
    Right.READ: frozenset(ROLES),
    Right.SUBMIT: frozenset({"adjuster", "supervisor", "siu", "operator"}),
    Right.COMMENT: frozenset({"adjuster", "supervisor", "siu", "operator"}),
    Right.TAKE_OVER: frozenset({"supervisor"}),
    Right.SIGN_OFF: frozenset({"supervisor"}),
    Right.OPERATE: frozenset({"operator"}),
    Right.INVITE: frozenset({"adjuster", "supervisor", "siu"}),
    Right.EXPORT: frozenset({"supervisor", "auditor", "operator", "admin"}),
    Right.INSPECT: frozenset({"operator", "auditor", "admin"}),
    Right.ADMINISTER: frozenset({"admin"}),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who may, and with what. In the texts `{name}` stands for a part of the scene.

    `held`: an adjuster holds the task. `role`: of the task. `changes`: False where the scene does not allow the deed itself.
    """

    needs: Right | str
    sends: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    held: bool = False
    role: str = "adjuster"
    changes: bool = True
    refused: tuple[int, ...] = (403,)
    headers: Mapping[str, str] = field(default_factory=dict)
    files: bool = False

    @property
    def may(self) -> frozenset[str]:
        """The roles that may."""
        if isinstance(self.needs, Right):
            return ALLOWED[self.needs]
        return frozenset({self.role}) if self.needs == ANSWER else frozenset(ROLES)


_WHY = {"reason": "because"}
_TYPED = {f"answer.{name}": str(value).lower() for name, value in ANSWER_GIVEN.items() if value not in (None, [])}
_PERSON = {"username": "{fresh}", "display_name": "New", "role.auditor": "on", "authority": "0"}

PAGES: Mapping[str, Row] = {
    "POST /sign-in": Row(needs=PUBLIC, sends={"username": "adjuster", "password": PASSWORD}),
    "POST /sign-in/link/{token}": Row(needs=PUBLIC),
    "POST /sign-out": Row(needs=SIGNED_IN),
    "POST /account/password": Row(needs=SIGNED_IN, sends={"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}),
    "POST /account/sign-out-elsewhere": Row(needs=SIGNED_IN),
    "POST /keys": Row(needs=SIGNED_IN, sends={"name": "x", "scope.read": "yes", "days": "1", "old": PASSWORD}),
    # Of the scene's key, which is somebody else's; everybody ends their own.
    "POST /keys/{key_id:uuid}/revoke": Row(needs=Right.ADMINISTER),
    "POST /people": Row(needs=Right.ADMINISTER, sends=_PERSON),
    "POST /people/{username}/link": Row(needs=Right.ADMINISTER),
    "POST /people/{username}/change": Row(needs=Right.ADMINISTER, sends={"role.siu": "on", "authority": "5"}),
    "POST /people/{username}/shut-out": Row(needs=Right.ADMINISTER),
    # Nobody of the scene is shut out: letting them in is taken, and changes nothing.
    "POST /people/{username}/let-in": Row(needs=Right.ADMINISTER, changes=False),
    "POST /tasks/{task_id:uuid}/complete": Row(
        needs=ANSWER, sends={"outcome": "do_not_pay", "row_version": "{version}", **_TYPED}
    ),
    "POST /tasks/{task_id:uuid}/claim": Row(needs=ANSWER),
    # Who does not hold the task is told so before anybody asks for a role.
    "POST /tasks/{task_id:uuid}/release": Row(needs=ANSWER, held=True, refused=(403, 409)),
    "POST /tasks/{task_id:uuid}/take-over": Row(needs=Right.TAKE_OVER, sends=_WHY, role="supervisor"),
    "POST /tasks/{task_id:uuid}/delegate": Row(needs=Right.TAKE_OVER, sends={"to": "adjuster", **_WHY}),
    "POST /tasks/{task_id:uuid}/snooze": Row(needs=ANSWER, sends={"for": "1d", **_WHY}),
    "POST /tasks/{task_id:uuid}/unsnooze": Row(needs=ANSWER, held=True),
    "POST /tasks/{task_id:uuid}/comment": Row(needs=Right.COMMENT, sends={"body": "noted"}),
    "POST /tasks/{task_id:uuid}/draft": Row(needs=ANSWER, sends={"answer.comment": "so far"}),
    "POST /runs/{run_id:uuid}/links": Row(needs=Right.INVITE, sends={"days": "3"}),
    "POST /runs/{run_id:uuid}/links/{link_id:uuid}/revoke": Row(needs=Right.INVITE),
    "POST /runs/{run_id:uuid}/operations": Row(needs=Right.OPERATE, sends={"verb": "pause", **_WHY}),
    "POST /runs/{run_id:uuid}/fork": Row(needs=Right.OPERATE, sends={"step": "1", "fork": "{uuid}", **_WHY}),
    "POST /dead-letters": Row(
        needs=Right.OPERATE, sends={"run.{run_id}": "on", "verb": "cancel", "for_good": "yes", **_WHY}
    ),
    "POST /c/{token}": Row(needs=PUBLIC, sends={"form": "{form}"}, files=True),
}

API: Mapping[str, Row] = {
    "POST /claims": Row(needs=Right.SUBMIT, scope="submit", sends={"claim": "{fresh}"}),
    "POST /runs/{run}/documents": Row(needs=Right.SUBMIT, scope="submit", files=True),
    "POST /runs/{run}/signals": Row(
        needs=Right.OPERATE, scope="operate", sends={"name": "news", "signal_id": "{fresh}"}
    ),
    # The scene's run neither stopped nor stands paused: the verb is refused for that, after who asks has been let in.
    "POST /runs/{run}/retry": Row(needs=Right.OPERATE, scope="operate", sends=_WHY, changes=False),
    "POST /runs/{run}/redrive": Row(needs=Right.OPERATE, scope="operate", sends=_WHY, changes=False),
    "POST /runs/{run}/fail": Row(needs=Right.OPERATE, scope="operate", sends=_WHY, changes=False),
    "POST /runs/{run}/resume": Row(needs=Right.OPERATE, scope="operate", sends=_WHY, changes=False),
    "POST /runs/{run}/cancel": Row(needs=Right.OPERATE, scope="operate", sends=_WHY),
    "POST /runs/{run}/pause": Row(needs=Right.OPERATE, scope="operate", sends=_WHY),
    "POST /runs/{run}/fork": Row(needs=Right.OPERATE, scope="operate", sends={"step_seq": 1, **_WHY}),
    "POST /operations": Row(
        needs=Right.OPERATE, scope="operate", sends={"verb": "cancel", "ids": ["{run_id}"], "dry_run": False, **_WHY}
    ),
    "POST /tasks/{task_id}/claim": Row(needs=ANSWER, scope="work"),
    "POST /tasks/{task_id}/release": Row(needs=ANSWER, scope="work", held=True, refused=(403, 409)),
    "POST /tasks/{task_id}/unsnooze": Row(needs=ANSWER, scope="work", held=True),
    "POST /tasks/{task_id}/take-over": Row(needs=Right.TAKE_OVER, scope="work", sends=_WHY, role="supervisor"),
    "POST /tasks/{task_id}/delegate": Row(needs=Right.TAKE_OVER, scope="work", sends={"to": "adjuster", **_WHY}),
    "POST /tasks/{task_id}/snooze": Row(needs=ANSWER, scope="work", sends={"until": "2999-01-01T00:00:00Z", **_WHY}),
    "POST /tasks/{task_id}/comments": Row(needs=Right.COMMENT, scope="work", sends={"body": "noted"}),
    "PUT /tasks/{task_id}/draft": Row(needs=ANSWER, scope="work", sends={"draft": {"comment": "so far"}}),
    "POST /tasks/{task_id}/complete": Row(
        needs=ANSWER,
        scope="work",
        sends={"outcome": "do_not_pay", "answer": ANSWER_GIVEN},
        headers={"If-Match": '"{version}"'},
    ),
    "POST /approvals/{approval_id}/revoke": Row(needs=Right.TAKE_OVER, scope="work", sends=_WHY),
}

# Refused, or passed on as a question; nothing of ours changes (`test_flower_door.py`).
OF_FLOWER = {
    "POST /flower/tasks/datatable",
    *(f"{method} /flower/{{path:path}}" for method in ("POST", "PUT", "PATCH", "DELETE")),
}

# What shows something to somebody who is not signed in, and why.
PUBLIC_PAGES = {
    "GET /sign-in",
    "GET /sign-in/link/{token}",  # whom the link lets in, to whoever has it
    "GET /sign-in/oidc",  # the way to the company's sign-in
    "GET /sign-in/oidc/back",  # and back: without the browser's own cookie it does nothing
    "GET /flower",  # leads to /flower/, which is behind the door
    "GET /c/{token}",  # the claimant's, whose link is what lets them in
    "GET /c/{rest:path}",  # says that there is nothing else
    "GET /healthz",  # for probes: no names, no claims
    "GET /api",  # the reference: no data
    "GET /api/v1/openapi.json",  # the same for programs
}
UNWALKED = {"/static"}  # mounts without routes of their own: files of the package
