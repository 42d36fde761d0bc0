"""The forms people fill in. A title says what is asked; the outcome is a button beside the form."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReviewForm(_Form):
    """The adjuster's review. `x-needs`: fields an outcome cannot do without."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "x-needs": {
                "settle": ["amount"],
                "deny": ["provision_id", "provision_text"],
                "more_information": ["documents_wanted"],
            }
        },
    )

    amount: str = Field(
        default="",
        title="Amount to pay",
        pattern=r"^(0{0,3}[1-9][0-9]{0,11}(\.[0-9]{1,2})?|0{1,3}\.(0[1-9]|[1-9][0-9]?))?$",
        description="more than 0, such as 1234.50; needed to settle",
    )
    payee: str = Field(
        default="", title="Payee", max_length=200, description="only if the policy's payee is not right or not known"
    )
    comment: str = Field(
        title="Why",
        min_length=1,
        max_length=4000,
        description="for colleagues; a denial letter quotes it to the claimant",
    )
    provision_id: str = Field(
        default="", title="Policy provision", max_length=100, description="needed to deny: which one"
    )
    provision_text: str = Field(
        default="", title="Its words", max_length=2000, description="needed to deny: the passage itself"
    )
    documents_wanted: str = Field(
        default="", title="Documents to ask for", max_length=500, description="needed to ask for more, comma-separated"
    )


class SignOffForm(_Form):
    """The supervisor's sign-off."""

    comment: str = Field(title="Why", min_length=1, max_length=4000)


class SiuForm(_Form):
    """What the special investigation unit found."""

    comment: str = Field(title="Findings", min_length=1, max_length=4000)
