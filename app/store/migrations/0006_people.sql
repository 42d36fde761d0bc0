-- People and what they are let in by. Laws kept here: a secret is stored as its hash alone; a link is used once;
-- what anybody is let in by ends by itself, and can be ended before.

ALTER TABLE users
    ADD COLUMN email text, ADD COLUMN password_hash text, ADD COLUMN password_changed_at timestamptz, ADD COLUMN disabled_at timestamptz;

-- Nothing ever wrote the first shapes of these two.
DROP TABLE sessions, api_keys;

-- stepped_up_at: when the person last proved who they are in this session; what signs off asks for a recent proof.
CREATE TABLE sessions (
    id_hash text PRIMARY KEY,
    username text NOT NULL REFERENCES users ON DELETE CASCADE,
    csrf text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    stepped_up_at timestamptz,
    let_in_by text NOT NULL CHECK (let_in_by IN ('password', 'link', 'oidc')),
    agent text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_username ON sessions (username);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE sign_in_links (
    token_hash text PRIMARY KEY,
    username text NOT NULL REFERENCES users ON DELETE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX sign_in_links_expires ON sign_in_links (expires_at);

-- Attempts that failed, by whom (username or address): what the throttle counts.
CREATE TABLE failed_attempts (who text NOT NULL, at timestamptz NOT NULL);
CREATE INDEX failed_attempts_who ON failed_attempts (who, at);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    key_hash text NOT NULL UNIQUE,
    username text NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_username ON api_keys (username);

-- A claimant's way in: one run, one purpose, until it expires or is revoked.
CREATE TABLE upload_links (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    token_hash text NOT NULL UNIQUE,
    asks text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    uploads int NOT NULL DEFAULT 0
);
CREATE INDEX upload_links_run ON upload_links (run_id);

-- follow_up_at, parked_reason: set aside until then, by whoever holds it. evidence_at: when something came in that the
-- person who had opened the task has not seen.
ALTER TABLE human_tasks
    ADD COLUMN follow_up_at timestamptz, ADD COLUMN parked_reason text, ADD COLUMN evidence_at timestamptz;
CREATE INDEX human_task_comments_task ON human_task_comments (task_id, created_at);

-- Other names a run is looked up by: a policy's number, say.
CREATE TABLE run_names (
    name text NOT NULL, run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE, kind text NOT NULL, created_at timestamptz NOT NULL,
    PRIMARY KEY (name, run_id));
CREATE INDEX run_names_run ON run_names (run_id);

-- A dispute may be closed by a person's word.
ALTER TABLE actions ADD COLUMN dispute_closed_at timestamptz, ADD COLUMN dispute_closed_by text, ADD COLUMN dispute_reason text;

-- One payee is one, however the letters are encoded: from here on payee_key sees to it.
REINDEX INDEX actions_effect_once;
