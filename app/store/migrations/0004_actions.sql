-- The ledger of actions. The law kept here: of everything that may have happened, a business effect (claim, coverage, payee,
-- purpose) exists once, across all runs.

-- claim: the business key the effect is for. shown_digest: of all that the approver saw, the recommendation with it.
-- step_seq, call_seq: the one call that may execute it. confirmation: what the service said when asked afterwards.
ALTER TABLE actions
    ADD COLUMN claim text, ADD COLUMN shown_digest text NOT NULL DEFAULT '', ADD COLUMN step_seq int, ADD COLUMN call_seq int,
    ADD COLUMN confirmed_at timestamptz, ADD COLUMN confirmation jsonb;
UPDATE actions a SET claim = r.subject FROM runs r WHERE r.id = a.run_id;
ALTER TABLE actions ALTER COLUMN claim SET NOT NULL, DROP CONSTRAINT actions_status_check;
ALTER TABLE actions ADD CONSTRAINT actions_status_check CHECK (
    status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED', 'VOID'));
ALTER TABLE human_tasks DROP CONSTRAINT human_tasks_kind_check;
ALTER TABLE human_tasks ADD CONSTRAINT human_tasks_kind_check CHECK (kind IN ('work', 'doubt', 'unknown', 'triage', 'budget', 'approval'));

-- What a person or a role may approve, up to how much, in which currency. The coverage '*' stands for every other.
-- A person's own limit goes before their role's; without a row there is no authority.
CREATE TABLE authorities (
    holder text NOT NULL, coverage text NOT NULL DEFAULT '*', currency text NOT NULL, up_to numeric NOT NULL CHECK (up_to >= 0),
    PRIMARY KEY (holder, coverage, currency));
COMMENT ON COLUMN authorities.holder IS 'a username, or role:<role>';
INSERT INTO authorities (holder, currency, up_to) SELECT username, 'USD', authority FROM users;

CREATE UNIQUE INDEX actions_effect_once ON actions (claim, coverage, payee_key(payee), purpose)
    WHERE status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED');
CREATE INDEX actions_unfinished ON actions (status) WHERE status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'DISPUTED');
CREATE INDEX actions_unconfirmed ON actions (executed_at) WHERE status = 'EXECUTED' AND confirmation IS NULL;

-- What had been proposed and approved before is approved still, under the digest that an action has from here on. Both are written
-- out: data of then is judged as it was then, by no function that has changed since.
UPDATE actions a SET amount = round(amount, 2);
UPDATE actions a SET digest = encode(sha256(convert_to(jsonb_build_array(a.claim, a.purpose, a.payee, a.amount::text, a.currency, a.coverage,
    a.evidence, a.shown_digest, a.proposed_by)::text, 'UTF8')), 'hex') WHERE status = 'PROPOSED';
UPDATE approvals p SET digest = a.digest FROM actions a WHERE a.id = p.action_id AND a.status = 'PROPOSED';
UPDATE actions a SET status = 'APPROVED' WHERE status = 'PROPOSED' AND EXISTS (SELECT 1 FROM approvals p
    WHERE p.action_id = a.id AND p.digest = a.digest AND p.revoked_at IS NULL AND p.expires_at > clock_timestamp()
      AND p.authority >= a.amount AND p.approver <> a.proposed_by AND (a.purpose <> 'denial_letter' OR p.role = 'supervisor'));

-- Until here an intent was looked at by another function, which no longer is. A new database never had it.
DROP TRIGGER IF EXISTS checkpoints_need_approval ON checkpoints;
DROP FUNCTION IF EXISTS refuse_unapproved();
