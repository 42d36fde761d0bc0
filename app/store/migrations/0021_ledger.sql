-- What the ledger judges an intent by. Laws kept here: a revoked approval stays in the books, and the same person may give a new
-- one; who gave anybody rights stays known.

-- paid_before: what of its claim and coverage the approver was shown as paid already. content: what else the call must carry,
-- to the letter: a letter's recipient, and the hash of its bytes.
ALTER TABLE actions
    ADD COLUMN paid_before numeric NOT NULL DEFAULT 0 CHECK (paid_before >= 0), ADD COLUMN content jsonb;
ALTER TABLE approvals ADD COLUMN revoked_because text, DROP CONSTRAINT approvals_action_id_approver_key;
CREATE UNIQUE INDEX approvals_live ON approvals (action_id, approver) WHERE revoked_at IS NULL;
CREATE INDEX approvals_action ON approvals (action_id);

-- What of a claim and coverage stands as paid is found without reading the ledger.
CREATE INDEX actions_paid ON actions (payee_key(claim), payee_key(coverage))
    WHERE status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED');

-- Who enrolled somebody, changed their roles or authority, let them in or shut them out; never changed afterwards.
CREATE TABLE people_changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, username text NOT NULL, changed_by text NOT NULL, change text NOT NULL,
    roles text[], authority numeric, at timestamptz NOT NULL);
CREATE INDEX people_changes_at ON people_changes (at);
