-- Limits. Two laws: what a run's model calls reserve and use stands on its root run alone, so each token counts once;
-- whether a downstream may be called is decided under the lock of its row, for all workers alike.

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
GRANT SELECT, INSERT, UPDATE, DELETE ON permits TO longhaul_worker;
GRANT SELECT ON permits TO longhaul_web;

-- May this call be made now? If not: why, and in how many seconds to ask again. Whoever is sent away gets a place of its
-- own in time, one after the other at the permitted rate: those who waited do not all come at once.
-- Each statement here sees what was committed before it began, and the lock keeps every other taker out.
CREATE FUNCTION take_permit(p_name text, p_run uuid, p_step int, p_call int, p_token uuid, p_rate float8, p_burst int,
    p_concurrency int, p_call_seconds float8) RETURNS TABLE (granted boolean, probe boolean, why text, wait_seconds float8)
    LANGUAGE plpgsql AS $$
DECLARE
    d downstreams;
    moment timestamptz;
    full_at float8 := coalesce(p_burst, 1);
    base timestamptz;
    spacing float8 := 1 / coalesce(p_rate, 20);
BEGIN
    SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO downstreams (name) VALUES (p_name) ON CONFLICT (name) DO NOTHING;
        SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    END IF;
    moment := app_now();
    probe := d.breaker <> 'closed';
    granted := true;
    IF EXISTS (SELECT 1 FROM permits WHERE run_id = p_run AND step_seq = p_step AND call_seq = p_call AND lease_token = p_token) THEN
        RETURN NEXT; -- asked again after a lost answer
        RETURN;
    END IF;
    -- A clock that was set back must not empty the bucket.
    d.tokens := least(full_at, coalesce(d.tokens, full_at)
        + greatest(0, coalesce(extract(epoch FROM moment - d.refilled_at)::float8, 0)) * coalesce(p_rate, 0));
    IF d.breaker <> 'closed' AND d.probe_at > moment THEN
        granted := false; why := 'broken'; base := d.probe_at;
    ELSIF d.breaker <> 'closed' AND d.probe_until > moment THEN
        granted := false; why := 'probed'; base := moment + make_interval(secs => 1);
    ELSIF d.not_before > moment THEN
        granted := false; why := 'asked for patience'; base := d.not_before;
    ELSIF p_rate IS NOT NULL AND d.tokens < 1 THEN
        granted := false; why := 'rate'; base := moment;
    ELSIF p_concurrency IS NOT NULL AND (SELECT count(*) FROM permits WHERE downstream = p_name) >= p_concurrency THEN
        -- Those of the dead: their runs are under another lease by now, or under none.
        DELETE FROM permits p WHERE p.downstream = p_name
            AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = p.run_id AND r.lease_token = p.lease_token);
        IF (SELECT count(*) FROM permits WHERE downstream = p_name) >= p_concurrency THEN
            granted := false; why := 'concurrency'; base := moment;
        END IF;
    END IF;
    IF granted THEN
        IF p_rate IS NOT NULL THEN d.tokens := d.tokens - 1; END IF;
        IF probe THEN
            d.breaker := 'half-open';
            d.probe_until := moment + make_interval(secs => p_call_seconds);
        END IF;
        IF p_concurrency IS NOT NULL THEN
            INSERT INTO permits VALUES (p_run, p_step, p_call, p_name, p_token, moment)
            ON CONFLICT (run_id, step_seq, call_seq) DO UPDATE SET downstream = p_name, lease_token = p_token, taken_at = moment;
        END IF;
    ELSE
        d.booked_until := greatest(d.booked_until, base) + make_interval(secs => spacing);
        wait_seconds := extract(epoch FROM d.booked_until - moment)::float8 + random() * spacing;
    END IF;
    UPDATE downstreams SET tokens = d.tokens, refilled_at = moment, breaker = d.breaker, probe_until = d.probe_until,
        booked_until = d.booked_until, calls = downstreams.calls + granted::int, rate_per_second = p_rate, burst = p_burst,
        concurrency = p_concurrency
    WHERE name = p_name;
    RETURN NEXT;
END $$;

-- What a call taught about its downstream: 'answered', 'failed', or 'patience' (it asked for p_seconds of it).
-- The breaker opens after p_failures failures in p_window seconds, if they are at least half of the calls made.
CREATE FUNCTION report_downstream(p_name text, p_what text, p_seconds float8, p_failures int, p_window float8, p_cooldown float8)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d downstreams;
    moment timestamptz;
BEGIN
    SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    moment := app_now();
    IF p_what = 'patience' THEN
        d.not_before := greatest(d.not_before, moment + make_interval(secs => p_seconds));
    END IF;
    IF p_what = 'failed' AND d.breaker = 'closed' THEN
        IF d.window_at IS NULL OR d.window_at < moment - make_interval(secs => p_window) THEN
            d.window_at := moment; d.failures := 0; d.calls := 0;
        END IF;
        d.failures := d.failures + 1;
        IF d.failures >= p_failures AND 2 * d.failures >= d.calls THEN
            d.breaker := 'open'; d.opened_at := moment; d.probe_at := moment + make_interval(secs => p_cooldown); d.probe_until := NULL;
        END IF;
    ELSIF p_what = 'failed' AND d.breaker = 'half-open' THEN
        d.breaker := 'open'; d.probe_at := moment + make_interval(secs => p_cooldown); d.probe_until := NULL;
    ELSIF p_what <> 'failed' AND d.breaker <> 'closed' THEN
        -- It lives. Its bucket is empty, so that the first second after its return is no fuller than the next.
        d.breaker := 'closed'; d.opened_at := NULL; d.probe_at := NULL; d.probe_until := NULL; d.window_at := NULL;
        d.failures := 0; d.calls := 0; d.tokens := 0; d.refilled_at := moment;
    END IF;
    UPDATE downstreams SET breaker = d.breaker, opened_at = d.opened_at, probe_at = d.probe_at, probe_until = d.probe_until,
        not_before = d.not_before, window_at = d.window_at, failures = d.failures, calls = d.calls, tokens = d.tokens,
        refilled_at = d.refilled_at
    WHERE name = p_name;
    RETURN d.breaker;
END $$;
