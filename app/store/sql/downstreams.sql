-- Downstreams. Two laws: whether one may be called is decided under the lock of its row, for all workers alike; nothing is held
-- back for longer because the clock was set back.

-- A downstream as it stands, by a clock that may have been set back since it was last asked for (`refilled_at` is when): what
-- was held then is held as long from now on, its bucket stays as full as it was, and its window of failures goes on.
CREATE OR REPLACE FUNCTION held_from(d downstreams, moment timestamptz) RETURNS downstreams LANGUAGE plpgsql AS $$
DECLARE
    back interval := d.refilled_at - moment;
BEGIN
    IF back > interval '0' THEN
        d.refilled_at := moment;
        d.opened_at := d.opened_at - back;
        d.probe_at := d.probe_at - back;
        d.probe_until := d.probe_until - back;
        d.not_before := d.not_before - back;
        d.booked_until := d.booked_until - back;
        d.window_at := d.window_at - back;
    END IF;
    RETURN d;
END $$;

-- May this call be made now? If not: why, and in how many seconds to ask again. Whoever is sent away gets a place of its
-- own in time, one after the other at the permitted rate: those who waited do not all come at once.
-- Each statement here sees what was committed before it began, and the lock keeps every other taker out.
CREATE OR REPLACE FUNCTION take_permit(p_name text, p_run uuid, p_step int, p_call int, p_token uuid, p_rate float8, p_burst int,
    p_concurrency int, p_call_seconds float8) RETURNS TABLE (granted boolean, probe boolean, why text, wait_seconds float8)
    LANGUAGE plpgsql AS $$
DECLARE
    d downstreams;
    moment timestamptz;
    full_at float8 := coalesce(p_burst, 1);
    base timestamptz;
    spacing float8 := 1 / coalesce(p_rate, 20);
BEGIN
    -- A permit that a crash of the server loses is one call more at once; all wait for this row, and none for the disk under it.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO downstreams (name) VALUES (p_name) ON CONFLICT (name) DO NOTHING;
        SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    END IF;
    moment := app_now();
    d := held_from(d, moment);
    probe := d.breaker <> 'closed';
    granted := true;
    IF EXISTS (SELECT 1 FROM permits WHERE run_id = p_run AND step_seq = p_step AND call_seq = p_call AND lease_token = p_token) THEN
        RETURN NEXT; -- asked again after a lost answer
        RETURN;
    END IF;
    d.tokens := least(full_at, coalesce(d.tokens, full_at)
        + coalesce(extract(epoch FROM moment - d.refilled_at)::float8, 0) * coalesce(p_rate, 0));
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
            -- A place is free when a call ends. In the middle, those under way have lasted half as long as a call does: so places
            -- become free at half this distance, and half of those who come again find one. No call lasts beyond its time-out.
            SELECT greatest(spacing, least(p_call_seconds, percentile_cont(0.5) WITHIN GROUP
                (ORDER BY extract(epoch FROM moment - taken_at)::float8)) / p_concurrency)
            INTO spacing FROM permits WHERE downstream = p_name;
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
    UPDATE downstreams SET tokens = d.tokens, refilled_at = moment, breaker = d.breaker, opened_at = d.opened_at, probe_at = d.probe_at,
        probe_until = d.probe_until, not_before = d.not_before, window_at = d.window_at, booked_until = d.booked_until, calls = downstreams.calls + granted::int, rate_per_second = p_rate, burst = p_burst,
        concurrency = p_concurrency
    WHERE name = p_name;
    RETURN NEXT;
END $$;

-- What a call taught about its downstream: 'answered', 'failed', or 'patience' (it asked for p_seconds of it).
-- The breaker opens after p_failures failures in p_window seconds, if they are at least half of the calls made.
CREATE OR REPLACE FUNCTION report_downstream(p_name text, p_what text, p_seconds float8, p_failures int, p_window float8, p_cooldown float8)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d downstreams;
    moment timestamptz;
BEGIN
    SELECT * INTO d FROM downstreams WHERE name = p_name FOR UPDATE;
    moment := app_now();
    d := held_from(d, moment);
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
        not_before = d.not_before, window_at = d.window_at, booked_until = d.booked_until, failures = d.failures, calls = d.calls,
        tokens = d.tokens, refilled_at = d.refilled_at
    WHERE name = p_name;
    RETURN d.breaker;
END $$;
