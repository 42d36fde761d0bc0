-- Doubts answered "again". Laws kept here: a state entered anew takes over results of the step before it and never an intent;
-- it takes them over as that step is entered, before anybody has worked on it, under the keys they were made with.

CREATE OR REPLACE FUNCTION carry_calls_over(p_run uuid) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    step int;
    last int;
    moment timestamptz;
    copied int;
BEGIN
    SELECT r.step_seq, (c.input -> 'cause' -> 'again' ->> 'through')::int, c.created_at INTO step, last, moment
    FROM runs r
    JOIN transitions t ON t.run_id = r.id AND t.seq = r.transition_seq AND t.step_seq = r.step_seq AND t.event = 'person answered'
    JOIN checkpoints c ON c.run_id = r.id AND c.step_seq = r.step_seq AND c.call_seq = 0
    JOIN checkpoints b ON b.run_id = r.id AND b.step_seq = r.step_seq - 1 AND b.call_seq = 0 AND b.step_name = c.step_name
    WHERE r.id = p_run AND r.lease_token IS NULL AND (c.input -> 'cause' -> 'again' ->> 'step_seq')::int = r.step_seq - 1
    FOR NO KEY UPDATE OF r;
    IF step IS NULL OR EXISTS (SELECT 1 FROM checkpoints WHERE run_id = p_run AND step_seq = step AND call_seq > 0) THEN
        RAISE EXCEPTION 'the run % has not just been entered anew after a doubt', p_run USING ERRCODE = 'LH005';
    END IF;
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input_hash, input, output_hash, output,
        idempotency_key, key_epoch, action_id, model, prompt_version, tokens_in, tokens_out, cost, latency_ms, created_at, intent_at,
        completed_at)
    SELECT p_run, step, c.call_seq, c.step_name, c.kind, c.name, c.status, c.input_hash, c.input, c.output_hash, c.output,
        c.idempotency_key, c.key_epoch, c.action_id, c.model, c.prompt_version, CASE c.kind WHEN 'model' THEN 0 END,
        CASE c.kind WHEN 'model' THEN 0 END, CASE c.kind WHEN 'model' THEN 0 END, c.latency_ms, moment, moment, moment
    FROM checkpoints c
    WHERE c.run_id = p_run AND c.step_seq = step - 1 AND c.call_seq BETWEEN 1 AND last AND c.status = 'COMPLETE';
    GET DIAGNOSTICS copied = ROW_COUNT;
    RETURN copied;
END $$;
