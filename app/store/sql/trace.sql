-- The trace of a run. The law: it is this view over what was recorded; there is no second copy.

CREATE OR REPLACE VIEW trace AS
    SELECT run_id, created_at AS at, 1 AS rank, seq::bigint AS n, 'transition' AS kind, to_state AS step, step_seq, event AS name,
           to_status AS status, actor, reason AS detail, NULL::jsonb AS input,
           jsonb_build_object('from_state', from_state, 'from_status', from_status, 'to_state', to_state, 'to_status', to_status,
                              'attempt', attempt, 'seq', seq) AS output,
           NULL::double precision AS latency_ms, NULL::bigint AS tokens_in, NULL::bigint AS tokens_out FROM transitions
    UNION ALL
    SELECT run_id, coalesce(completed_at, intent_at, created_at), 2, step_seq::bigint * 100000 + call_seq, kind, step_name, step_seq,
           name, status, NULL, CASE WHEN errors <> '[]' THEN errors::text END, input, output, latency_ms, tokens_in, tokens_out
    FROM checkpoints
    UNION ALL
    SELECT e.run_id, e.created_at, 3, e.seq, 'human', t.state, t.step_seq, e.event, t.status, e.actor, t.title, NULL, e.detail,
           NULL, NULL, NULL
    FROM human_task_events e JOIN human_tasks t ON t.id = e.task_id
    UNION ALL
    SELECT run_id, created_at, 4, seq, 'signal', NULL, consumed_step_seq, name, CASE WHEN consumed_step_seq IS NULL THEN 'pending'
           ELSE 'consumed' END, actor, signal_id, payload, NULL, NULL, NULL, NULL FROM signals
    UNION ALL
    SELECT run_id, opened_at, 5, 0, 'alert', NULL, NULL, rule, CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END,
           NULL, message, NULL, detail, NULL, NULL, NULL FROM alerts WHERE run_id IS NOT NULL;
