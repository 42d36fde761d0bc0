-- Transitions, as everybody reads them. The law: a digest that follows from what its row holds is not stored: of the salt with the
-- reason, of the salt with the payload's hash, or of nothing where there is no salt. It is stored when erasing takes what it
-- follows from. Rows that the release before wrote have theirs.

CREATE OR REPLACE VIEW transitions AS
    SELECT run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason, salt,
        coalesce(reason_digest, encode(sha256(convert_to(coalesce(salt, '') || coalesce(reason, ''), 'UTF8')), 'hex')) AS reason_digest,
        payload_hash,
        coalesce(payload_digest, encode(sha256(convert_to(coalesce(salt, '') || coalesce(payload_hash, ''), 'UTF8')), 'hex')) AS payload_digest,
        move_id, hash, created_at
    FROM transition_rows;

-- How the release before writes them.
CREATE OR REPLACE FUNCTION keep_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transition_rows (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason, salt,
        reason_digest, payload_hash, payload_digest, move_id, hash, created_at)
    VALUES (NEW.run_id, NEW.seq, NEW.event, NEW.from_state, NEW.from_status, NEW.to_state, NEW.to_status, NEW.step_seq, NEW.attempt,
        NEW.actor, NEW.reason, NEW.salt, NEW.reason_digest, NEW.payload_hash, NEW.payload_digest, NEW.move_id, NEW.hash, NEW.created_at);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER transitions_kept INSTEAD OF INSERT ON transitions FOR EACH ROW EXECUTE FUNCTION keep_transition();

-- Before erasing takes the salt. By its name it comes before the trigger that refuses all else.
CREATE OR REPLACE FUNCTION keep_digests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.reason_digest, t.payload_digest INTO NEW.reason_digest, NEW.payload_digest
    FROM transitions t WHERE t.run_id = OLD.run_id AND t.seq = OLD.seq;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER transition_digests_kept BEFORE UPDATE ON transition_rows
    FOR EACH ROW WHEN (OLD.salt IS NOT NULL AND NEW.salt IS NULL) EXECUTE FUNCTION keep_digests();
