-- Who may do what: every right that the two roles have on our tables. The law: this file is the whole of it. Each
-- `migrate` applies it, whatever was there before, so a right given elsewhere is taken back and one that a restore lost
-- is given again. A table or function that stands in no list here is readable and writable by the owner alone.
DO $$
DECLARE named text;
BEGIN
    -- Other tables in this schema are somebody else's: their rights are left alone.
    FOREACH named IN ARRAY ARRAY[
        'actions', 'alembic_version', 'alerts', 'api_keys', 'approvals', 'authorities', 'blobs', 'checkpoints', 'corrected_data', 'dead_letters', 'deliveries',
        'document_probes', 'documents', 'downstreams', 'failed_attempts', 'human_task_comments', 'human_task_drafts', 'human_task_events', 'human_tasks',
        'idempotency_keys', 'messages', 'people_changes', 'permits', 'refused_messages', 'role_rights', 'run_data', 'run_names', 'runs', 'schema_compatibility', 'sessions', 'sign_in_links', 'signals',
        'sweeps', 'trace', 'transition_rows', 'transitions', 'upload_links', 'upload_rates', 'users', 'workers', 'workflow_definitions'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, longhaul_worker, longhaul_web', named);
    END LOOP;
    FOREACH named IN ARRAY ARRAY['human_task_events_seq_seq', 'people_changes_seq_seq', 'signals_seq_seq'] LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE %I FROM PUBLIC, longhaul_worker, longhaul_web', named);
        EXECUTE format('GRANT USAGE ON SEQUENCE %I TO longhaul_worker, longhaul_web', named);
    END LOOP;
    FOREACH named IN ARRAY ARRAY['approve_action', 'carry_calls_over', 'close_dispute', 'confirm_action', 'copy_calls_to_fork', 'revoke_fallen', 'took_part',
        'void_actions_of_ended'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC, longhaul_worker, longhaul_web', named);
    END LOOP;
END $$;

-- Before Postgres 15 everybody might put functions and operators where ours, which run as the owner, look for theirs.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Both read what a run is made of; what lets people in, the web alone.
GRANT SELECT ON actions, alembic_version, alerts, approvals, authorities, blobs, checkpoints, corrected_data, dead_letters, deliveries, document_probes, documents, downstreams,
    human_task_comments, human_task_drafts, human_task_events, human_tasks, idempotency_keys, messages, people_changes, permits, refused_messages, role_rights, run_data, run_names,
    runs, schema_compatibility, signals, sweeps, trace, transition_rows, transitions, users, workers, workflow_definitions TO longhaul_worker, longhaul_web;

-- A worker moves runs, writes their journal, and looks after itself. What is deleted with a run would be the ledger.
GRANT INSERT, UPDATE ON workflow_definitions, runs, run_data, corrected_data, checkpoints, workers, downstreams, permits, dead_letters, sweeps, alerts,
    deliveries, document_probes, documents, refused_messages TO longhaul_worker;
GRANT INSERT ON transition_rows, transitions, run_names, signals, human_tasks, human_task_events, blobs, messages, idempotency_keys TO longhaul_worker;
GRANT DELETE ON idempotency_keys, workers, permits, refused_messages TO longhaul_worker;
GRANT EXECUTE ON FUNCTION confirm_action, void_actions_of_ended, carry_calls_over, copy_calls_to_fork, took_part TO longhaul_worker;

-- The web answers, signals, cancels and starts: it moves runs, but its checkpoints are never intents of calls.
GRANT INSERT, UPDATE ON runs, run_data, corrected_data, human_task_drafts, dead_letters, documents, alerts, users, authorities, sessions, sign_in_links,
    failed_attempts, api_keys, upload_links, upload_rates, idempotency_keys TO longhaul_web;
GRANT INSERT ON transition_rows, transitions, run_names, signals, people_changes, human_tasks, human_task_events, human_task_comments, blobs, checkpoints, sweeps
    TO longhaul_web;
GRANT SELECT ON sessions, sign_in_links, failed_attempts, api_keys, upload_links, upload_rates TO longhaul_web;
GRANT DELETE ON human_task_drafts, idempotency_keys, authorities, sessions, sign_in_links, failed_attempts, api_keys, upload_rates TO longhaul_web;
GRANT UPDATE (status, output, output_hash, key_epoch, idempotency_key, key_valid_until, completed_at, errors) ON checkpoints
    TO longhaul_web;
GRANT UPDATE (revoked_at) ON approvals TO longhaul_web;
GRANT EXECUTE ON FUNCTION approve_action, close_dispute, carry_calls_over, copy_calls_to_fork, took_part TO longhaul_web;

-- A task's question, and for whom it is, are written once. Afterwards it is worked at and, in the web, answered.
GRANT UPDATE (status, row_version, claimed_by, claimed_at, snoozed_until, snooze_reason, evidence_at, sla_at) ON human_tasks
    TO longhaul_worker, longhaul_web;
GRANT UPDATE (outcome, answer, answer_hash, completed_by, completed_at) ON human_tasks TO longhaul_web;

-- A signal is consumed, and never rewritten.
GRANT UPDATE (consumed_step_seq) ON signals TO longhaul_worker, longhaul_web;
