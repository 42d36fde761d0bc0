-- Limits. The law: what a run's model calls reserve and use stands on its root run alone, so each token counts once.

-- tokens_reserved (of a run, since 0001): promised to calls that are under way, or whose outcome nobody knows.
-- tokens_raised: what people granted beyond the limit. unpriced_calls: calls whose price is not known.
ALTER TABLE runs ADD COLUMN tokens_raised bigint NOT NULL DEFAULT 0, ADD COLUMN unpriced_calls int NOT NULL DEFAULT 0;

-- tokens_reserved: this call's share of it. repeated: how often it was asked again after its first asking was lost.
ALTER TABLE checkpoints ADD COLUMN tokens_reserved bigint NOT NULL DEFAULT 0, ADD COLUMN repeated int NOT NULL DEFAULT 0;

ALTER TABLE human_tasks DROP CONSTRAINT human_tasks_kind_check;
ALTER TABLE human_tasks ADD CONSTRAINT human_tasks_kind_check CHECK (kind IN ('work', 'doubt', 'unknown', 'triage', 'budget'));

-- opened_at: since when it is not closed. probe_at: when the next probe may go. probe_until: how long the present one may take.
-- not_before: what a downstream asked for, told to all. booked_until: when the last of those who were sent away is to come again.
-- calls, failures: since window_at.
ALTER TABLE downstreams
    ADD COLUMN concurrency int, ADD COLUMN probe_at timestamptz, ADD COLUMN probe_until timestamptz, ADD COLUMN not_before timestamptz,
    ADD COLUMN booked_until timestamptz, ADD COLUMN window_at timestamptz, ADD COLUMN calls int NOT NULL DEFAULT 0,
    ADD COLUMN failures int NOT NULL DEFAULT 0;

-- Calls under way, where their number is limited. Valid as long as the lease it was taken under.
CREATE TABLE permits (
    run_id uuid NOT NULL, step_seq int NOT NULL, call_seq int NOT NULL, downstream text NOT NULL, lease_token uuid NOT NULL,
    taken_at timestamptz NOT NULL, PRIMARY KEY (run_id, step_seq, call_seq));
CREATE INDEX permits_downstream ON permits (downstream);
