-- Three roles. The owner migrates. A worker cannot approve and cannot move the clock; the web cannot begin a payment.
-- Roles belong to the whole server, so a second database of it finds them there.
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_advisory_xact_lock(7070001);
    FOREACH name IN ARRAY ARRAY['longhaul_worker', 'longhaul_web'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        EXECUTE format('GRANT %I TO CURRENT_USER', name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA public TO %I', name);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', name);
    END LOOP;
END $$;

GRANT INSERT, UPDATE ON workflow_definitions, runs, run_data, checkpoints, signals, human_tasks, actions, workers, downstreams, dead_letters, sweeps,
    alerts, deliveries, documents TO longhaul_worker;
GRANT INSERT ON transitions, human_task_events, blobs, messages, idempotency_keys TO longhaul_worker;
GRANT DELETE ON runs, idempotency_keys, workers TO longhaul_worker;

-- The web answers, signals, cancels and starts: it moves runs, but its checkpoints are never intents of calls.
GRANT INSERT, UPDATE ON runs, run_data, signals, human_tasks, human_task_drafts, actions, dead_letters, documents, alerts,
    sessions, users TO longhaul_web;
GRANT INSERT ON transitions, human_task_events, human_task_comments, blobs, idempotency_keys, approvals, checkpoints, sweeps
    TO longhaul_web;
GRANT UPDATE (status, output, output_hash, key_epoch, idempotency_key, key_valid_until, completed_at, errors) ON checkpoints
    TO longhaul_web;
GRANT UPDATE (revoked_at) ON approvals TO longhaul_web;
GRANT DELETE ON human_task_drafts, sessions TO longhaul_web;

ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone_reads ON checkpoints FOR SELECT USING (true);
CREATE POLICY workers_write ON checkpoints FOR ALL TO longhaul_worker USING (true) WITH CHECK (true);
-- A person's verdict may give an irreversible call back to the workers as an intent, but never create one.
CREATE POLICY web_enters_steps ON checkpoints FOR INSERT TO longhaul_web WITH CHECK (kind IN ('start', 'step'));
CREATE POLICY web_judges_unknowns ON checkpoints FOR UPDATE TO longhaul_web USING (status = 'UNKNOWN' OR kind = 'step') WITH CHECK (true);
