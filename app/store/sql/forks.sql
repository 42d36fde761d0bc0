-- Forks. Laws kept here: a fork takes over results and never an intent, an action or an approval; what it takes over it
-- takes over as its first move, before anybody has worked on it.

-- The completed calls of the step a fork begins with, under the keys they were made with, and what its models were given.
-- Where a call stood, how often it was tried and what it cost is the other run's: here it used nothing.
CREATE OR REPLACE FUNCTION copy_calls_to_fork(p_fork uuid) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    source uuid;
    step int;
    moment timestamptz;
    copied int;
BEGIN
    SELECT r.forked_from, (c.output -> 'forked' ->> 'step_seq')::int, r.created_at INTO source, step, moment
    FROM runs r JOIN checkpoints c ON c.run_id = r.id AND c.step_seq = 0 AND c.call_seq = 0
    WHERE r.id = p_fork AND r.forked_from IS NOT NULL AND r.transition_seq = 1 FOR NO KEY UPDATE OF r;
    IF source IS NULL OR EXISTS (SELECT 1 FROM checkpoints WHERE run_id = p_fork AND call_seq > 0) THEN
        RAISE EXCEPTION 'the run % is no fork that has just been made', p_fork USING ERRCODE = 'LH005';
    END IF;
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input_hash, input, output_hash, output,
        idempotency_key, key_epoch, model, prompt_version, tokens_in, tokens_out, cost, latency_ms, created_at, intent_at, completed_at)
    SELECT p_fork, 1, c.call_seq, c.step_name, c.kind, c.name, c.status, c.input_hash, c.input, c.output_hash, c.output,
        c.idempotency_key, c.key_epoch, c.model, c.prompt_version, CASE c.kind WHEN 'model' THEN 0 END, CASE c.kind WHEN 'model' THEN 0 END,
        CASE c.kind WHEN 'model' THEN 0 END, c.latency_ms, moment, moment, moment
    FROM checkpoints c
    WHERE c.run_id = source AND c.step_seq = step AND c.call_seq > 0 AND c.status = 'COMPLETE' AND c.action_id IS NULL;
    GET DIAGNOSTICS copied = ROW_COUNT;
    IF EXISTS (SELECT 1 FROM checkpoints WHERE run_id = p_fork AND kind = 'model') THEN
        INSERT INTO messages SELECT p_fork, m.sha256, m.content, m.created_at FROM messages m WHERE m.run_id = source;
    END IF;
    RETURN copied;
END $$;
