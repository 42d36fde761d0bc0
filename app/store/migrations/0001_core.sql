-- Longhaul's tables, as they were first. Laws kept here: one row of `runs` decides everything about a run; a result is written once;
-- transitions are numbered without gaps.
-- Supported: Postgres 14 to 18.

CREATE TABLE runs (
    id uuid PRIMARY KEY,
    workflow text NOT NULL,
    workflow_version int NOT NULL,
    definition_hash text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL,
    status text NOT NULL,
    waiting_reason text,
    routes jsonb NOT NULL DEFAULT '{}',
    wake_at timestamptz,
    expires_at timestamptz,
    deadline_at timestamptz,
    step_seq int NOT NULL,
    queue text NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    crash_attempts int NOT NULL DEFAULT 0,
    late_retries int NOT NULL DEFAULT 0,
    lease_token uuid,
    worker_id uuid,
    ready_at timestamptz,
    pending_events text[] NOT NULL DEFAULT '{}',
    pause_requested boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    irreversible_since timestamptz,
    expected_seconds double precision,
    waited_seconds double precision NOT NULL DEFAULT 0,
    token_budget bigint,
    tokens_reserved bigint NOT NULL DEFAULT 0,
    tokens_in bigint NOT NULL DEFAULT 0,
    tokens_out bigint NOT NULL DEFAULT 0,
    cost numeric NOT NULL DEFAULT 0,
    priority int NOT NULL DEFAULT 0,
    parent_run_id uuid REFERENCES runs,
    parent_step_seq int,
    children_left int NOT NULL DEFAULT 0,
    forked_from uuid,
    transition_seq int NOT NULL,
    transition_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz
) WITH (fillfactor = 70);

-- Subject first: people look a claim up by its number alone.
CREATE UNIQUE INDEX runs_subject ON runs (subject, workflow) WHERE parent_run_id IS NULL AND forked_from IS NULL;
CREATE INDEX runs_ready ON runs (queue, ready_at) WHERE status = 'READY';
CREATE INDEX runs_due ON runs (least(wake_at, expires_at))
    WHERE status IN ('WAITING_FOR_HUMAN', 'WAITING_FOR_EVENT', 'WAITING_FOR_TIMER', 'WAITING_FOR_CHILDREN', 'FAILED_RETRIABLE')
      AND (wake_at IS NOT NULL OR expires_at IS NOT NULL);
CREATE INDEX runs_leased ON runs (worker_id) WHERE status IN ('RUNNING', 'SUSPECTED_DEAD');
CREATE INDEX runs_children ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

-- What each version of a workflow means. A run is pinned to it.
CREATE TABLE workflow_definitions (
    workflow text NOT NULL, version int NOT NULL, definition_hash text NOT NULL, first_seen timestamptz NOT NULL,
    PRIMARY KEY (workflow, version));

CREATE TABLE run_data (
    run_id uuid PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    data jsonb NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- No foreign key to `runs` here and on transitions: both are written only by statements that hold the run's own row, and
-- looking for it once more, three times a step, is what a third of their cost would be. Runs are never deleted.
CREATE TABLE checkpoints (
    run_id uuid NOT NULL,
    step_seq int NOT NULL,
    call_seq int NOT NULL,
    step_name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('start', 'step', 'tool', 'model', 'local')),
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('INTENT', 'COMPLETE', 'FAILED', 'UNKNOWN')),
    input_hash text,
    input jsonb,
    output_hash text,
    output jsonb,
    idempotency_key text,
    key_epoch int NOT NULL DEFAULT 0,
    key_valid_until timestamptz,
    action_id uuid,
    attempt int NOT NULL DEFAULT 1,
    lease_token uuid,
    model text,
    prompt_version text,
    tokens_in bigint,
    tokens_out bigint,
    cost numeric,
    latency_ms double precision,
    errors jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL,
    intent_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (run_id, step_seq, call_seq)
) WITH (fillfactor = 80);

CREATE TABLE transitions (
    run_id uuid NOT NULL,
    seq int NOT NULL,
    event text NOT NULL,
    from_state text,
    from_status text,
    to_state text NOT NULL,
    to_status text NOT NULL,
    step_seq int NOT NULL,
    attempt int NOT NULL,
    actor text NOT NULL,
    reason text,
    salt text,
    reason_digest text NOT NULL,
    payload_hash text,
    payload_digest text NOT NULL,
    move_id uuid NOT NULL,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE signals (
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    signal_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    payload jsonb,
    body_hash text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    consumed_step_seq int,
    PRIMARY KEY (run_id, signal_id)
);

-- Signals nobody consumed yet are few; parked runs may be a million.
CREATE INDEX signals_pending ON signals (run_id) WHERE consumed_step_seq IS NULL;

CREATE TABLE human_tasks (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    step_seq int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('work', 'doubt', 'unknown', 'triage')),
    state text NOT NULL,
    role text NOT NULL,
    title text NOT NULL,
    note text NOT NULL,
    form jsonb NOT NULL,
    defaults jsonb NOT NULL DEFAULT '{}',
    evidence jsonb NOT NULL DEFAULT '[]',
    proposals jsonb NOT NULL DEFAULT '[]',
    approves jsonb NOT NULL DEFAULT '{}',
    outcomes text[] NOT NULL,
    not_by text[] NOT NULL DEFAULT '{}',
    call_seq int,
    shown_digest text NOT NULL,
    status text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'COMPLETED', 'CANCELLED', 'EXPIRED')),
    row_version int NOT NULL DEFAULT 1,
    claimed_by text,
    claimed_at timestamptz,
    due_at timestamptz,
    sla_at timestamptz, -- when the SLA sweep next has something to say of it; NULL: it has said all
    outcome text,
    answer jsonb,
    answer_hash text,
    completed_by text,
    completed_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX human_tasks_run ON human_tasks (run_id);
CREATE INDEX human_tasks_open ON human_tasks (role, created_at) WHERE status = 'OPEN';
CREATE INDEX human_tasks_sla ON human_tasks (sla_at, due_at) WHERE status = 'OPEN';
CREATE INDEX human_tasks_claimed ON human_tasks (claimed_at) WHERE status = 'OPEN' AND claimed_at IS NOT NULL;

CREATE TABLE human_task_events (
    task_id uuid NOT NULL REFERENCES human_tasks ON DELETE CASCADE,
    run_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event text NOT NULL,
    actor text NOT NULL,
    detail jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, seq)
);
CREATE INDEX human_task_events_run ON human_task_events (run_id);
CREATE TABLE human_task_comments (
    id uuid PRIMARY KEY, task_id uuid NOT NULL REFERENCES human_tasks ON DELETE CASCADE, author text NOT NULL,
    body text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE human_task_drafts (
    task_id uuid NOT NULL REFERENCES human_tasks ON DELETE CASCADE, author text NOT NULL, draft jsonb NOT NULL,
    updated_at timestamptz NOT NULL, PRIMARY KEY (task_id, author));

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    sha256 text NOT NULL,
    filename text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    uploaded_by text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX documents_run ON documents (run_id);
CREATE TABLE blobs (sha256 text PRIMARY KEY, size bigint NOT NULL, content bytea NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE messages (
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE, sha256 text NOT NULL, content jsonb NOT NULL,
    created_at timestamptz NOT NULL, PRIMARY KEY (run_id, sha256));

CREATE TABLE actions (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    purpose text NOT NULL,
    payee text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    coverage text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    digest text NOT NULL,
    proposed_by text NOT NULL,
    status text NOT NULL DEFAULT 'PROPOSED' CHECK (status IN ('PROPOSED', 'EXECUTED', 'VOID')),
    created_at timestamptz NOT NULL,
    executed_at timestamptz,
    UNIQUE (run_id, purpose, digest)
);
CREATE TABLE approvals (
    id uuid PRIMARY KEY,
    action_id uuid NOT NULL REFERENCES actions ON DELETE CASCADE,
    approver text NOT NULL,
    role text NOT NULL,
    authority numeric NOT NULL,
    digest text NOT NULL,
    task_id uuid NOT NULL REFERENCES human_tasks ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    UNIQUE (action_id, approver)
);

CREATE TABLE alerts (
    id uuid PRIMARY KEY,
    rule text NOT NULL,
    subject text NOT NULL,
    run_id uuid REFERENCES runs ON DELETE CASCADE,
    message text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz
);
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_run ON alerts (run_id) WHERE run_id IS NOT NULL;
CREATE TABLE deliveries (
    id uuid PRIMARY KEY, alert_id uuid REFERENCES alerts ON DELETE CASCADE, channel text NOT NULL, dedupe_key text NOT NULL UNIQUE,
    body jsonb NOT NULL, attempts int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL, delivered_at timestamptz);

CREATE TABLE workers (
    id uuid PRIMARY KEY,
    lock_key bigint NOT NULL,
    liveness text NOT NULL CHECK (liveness IN ('lock', 'ping')),
    host text NOT NULL,
    pid int NOT NULL,
    queues text[] NOT NULL,
    slots int NOT NULL,
    stopping boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL,
    pinged_at timestamptz NOT NULL,
    gone_at timestamptz
) WITH (fillfactor = 50);
CREATE TABLE downstreams (
    name text PRIMARY KEY, rate_per_second double precision, burst int, tokens double precision, refilled_at timestamptz,
    breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half-open')), opened_at timestamptz);
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    step_seq int NOT NULL,
    state text NOT NULL,
    fingerprint text NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    verdict text
);
CREATE INDEX dead_letters_run ON dead_letters (run_id);
CREATE INDEX dead_letters_created ON dead_letters (created_at);
CREATE TABLE sweeps (
    name text PRIMARY KEY, last_started_at timestamptz NOT NULL, last_finished_at timestamptz, counts jsonb NOT NULL DEFAULT '{}');
CREATE TABLE idempotency_keys (
    scope text NOT NULL, key text NOT NULL, body_hash text NOT NULL, answer jsonb NOT NULL, created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key));
CREATE TABLE users (
    username text PRIMARY KEY, display_name text NOT NULL, roles text[] NOT NULL, authority numeric NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL);
CREATE TABLE sessions (
    id_hash text PRIMARY KEY, username text NOT NULL REFERENCES users, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE api_keys (
    key_hash text PRIMARY KEY, username text NOT NULL REFERENCES users, scopes text[] NOT NULL, created_at timestamptz NOT NULL,
    revoked_at timestamptz);
