-- Transitions, as everybody reads them. The laws: a worker, a salt and a hash are stored as the bytes they are, not as their text; a
-- digest that follows from what its row holds is not stored: of the salt with the reason, of the salt with the payload's hash, or of
-- nothing where there is no salt. It is stored when erasing takes what it follows from. What the release before wrote, in text and
-- with its digests, stays as it is.

CREATE OR REPLACE VIEW transitions AS
    SELECT run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt,
        coalesce(actor, 'worker:' || worker_id) AS actor,
        reason,
        coalesce(salt, encode(salt_bytes, 'hex')) AS salt,
        coalesce(reason_digest, encode(sha256(convert_to(coalesce(salt, encode(salt_bytes, 'hex'), '') || coalesce(reason, ''), 'UTF8')), 'hex'))
            AS reason_digest,
        coalesce(payload_hash, encode(payload_sha256, 'hex')) AS payload_hash,
        coalesce(payload_digest, encode(sha256(convert_to(coalesce(salt, encode(salt_bytes, 'hex'), '')
            || coalesce(payload_hash, encode(payload_sha256, 'hex'), ''), 'UTF8')), 'hex')) AS payload_digest,
        move_id, hash, created_at
    FROM transition_rows;

-- How the release before writes them, and erases what it may; the columns that an update leaves stay as they are stored.
CREATE OR REPLACE FUNCTION keep_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE transition_rows t SET run_id = NEW.run_id, seq = NEW.seq, event = NEW.event, from_state = NEW.from_state,
            from_status = NEW.from_status, to_state = NEW.to_state, to_status = NEW.to_status, step_seq = NEW.step_seq,
            attempt = NEW.attempt, reason = NEW.reason, move_id = NEW.move_id, hash = NEW.hash, created_at = NEW.created_at,
            actor = CASE WHEN NEW.actor = OLD.actor THEN t.actor ELSE NEW.actor END,
            worker_id = CASE WHEN NEW.actor = OLD.actor THEN t.worker_id END,
            salt = CASE WHEN NEW.salt = OLD.salt THEN t.salt ELSE NEW.salt END,
            salt_bytes = CASE WHEN NEW.salt = OLD.salt THEN t.salt_bytes END,
            payload_hash = CASE WHEN NEW.payload_hash = OLD.payload_hash THEN t.payload_hash ELSE NEW.payload_hash END,
            payload_sha256 = CASE WHEN NEW.payload_hash = OLD.payload_hash THEN t.payload_sha256 END
        WHERE t.run_id = OLD.run_id AND t.seq = OLD.seq;
        RETURN NEW;
    END IF;
    INSERT INTO transition_rows (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason, salt,
        reason_digest, payload_hash, payload_digest, move_id, hash, created_at)
    VALUES (NEW.run_id, NEW.seq, NEW.event, NEW.from_state, NEW.from_status, NEW.to_state, NEW.to_status, NEW.step_seq, NEW.attempt,
        NEW.actor, NEW.reason, NEW.salt, NEW.reason_digest, NEW.payload_hash, NEW.payload_digest, NEW.move_id, NEW.hash, NEW.created_at);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER transitions_kept INSTEAD OF INSERT OR UPDATE ON transitions FOR EACH ROW EXECUTE FUNCTION keep_transition();

-- Before erasing takes the salt. By its name it comes before the trigger that refuses all else.
CREATE OR REPLACE FUNCTION keep_digests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.reason_digest, t.payload_digest INTO NEW.reason_digest, NEW.payload_digest
    FROM transitions t WHERE t.run_id = OLD.run_id AND t.seq = OLD.seq;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER transition_digests_kept BEFORE UPDATE ON transition_rows FOR EACH ROW
    WHEN ((OLD.salt IS NOT NULL OR OLD.salt_bytes IS NOT NULL) AND NEW.salt IS NULL AND NEW.salt_bytes IS NULL) EXECUTE FUNCTION keep_digests();
