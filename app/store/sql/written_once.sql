-- What was recorded is written once. The law, for every role and the owner too: a COMPLETE checkpoint, a transition, a signal, an
-- ended human task with its answer and its history, and what the ledger says was done are neither changed nor deleted. The one
-- exception is erasing a person's data: by the owner, in a transaction that says so, and only towards nothing.
-- Price, as the conditions stand before the function: a comparison a row; the function runs only where something is wrong.

-- Its first argument names the columns that erasing may empty; its second those that erasing may fill, where nothing stands, with
-- what the first no longer say.
CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    emptied text[] := string_to_array(TG_ARGV[0], ' ');
    filled text[] := string_to_array(coalesce(TG_ARGV[1], ''), ' ');
    is_now jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        is_now := to_jsonb(NEW);
        IF is_now = to_jsonb(OLD) THEN
            RETURN NEW;
        END IF;
        IF current_setting('longhaul.erasing', true) = 'on' AND current_user NOT IN ('longhaul_worker', 'longhaul_web')
            AND is_now - emptied - filled = to_jsonb(OLD) - emptied - filled
            AND NOT EXISTS (SELECT 1 FROM unnest(filled) f WHERE to_jsonb(OLD) ->> f IS NOT NULL AND is_now -> f IS DISTINCT FROM to_jsonb(OLD) -> f)
            AND NOT EXISTS (SELECT 1 FROM unnest(emptied) e WHERE is_now -> e IS DISTINCT FROM to_jsonb(OLD) -> e
                AND coalesce(is_now ->> e, '') NOT IN ('', '[]', '{}', 'erased'))
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what % says of the run % was recorded and is written once', TG_TABLE_NAME, coalesce(to_jsonb(OLD) ->> 'run_id', '?')
        USING ERRCODE = 'LH006', HINT = 'a correction is a new record; `longhaul purge` erases the data of a person';
END $$;

-- After an update, not before, which would make every update of a checkpoint lock its row first.
CREATE OR REPLACE TRIGGER checkpoints_kept BEFORE DELETE ON checkpoints FOR EACH ROW WHEN (OLD.status = 'COMPLETE')
    EXECUTE FUNCTION refuse_rewriting('');
CREATE OR REPLACE TRIGGER checkpoints_written_once AFTER UPDATE ON checkpoints FOR EACH ROW WHEN (OLD.status = 'COMPLETE')
    EXECUTE FUNCTION refuse_rewriting('input input_hash output output_hash errors');
CREATE OR REPLACE TRIGGER transitions_written_once BEFORE UPDATE OR DELETE ON transition_rows FOR EACH ROW
    EXECUTE FUNCTION refuse_rewriting('reason salt salt_bytes payload_hash payload_sha256', 'reason_digest payload_digest');

-- A signal is consumed once. What it says never changes.
CREATE OR REPLACE TRIGGER signals_kept BEFORE DELETE ON signals FOR EACH ROW EXECUTE FUNCTION refuse_rewriting('');
CREATE OR REPLACE TRIGGER signals_written_once BEFORE UPDATE ON signals FOR EACH ROW
    WHEN (OLD.consumed_step_seq IS NOT NULL
        OR (OLD.run_id, OLD.signal_id, OLD.seq, OLD.name, OLD.payload, OLD.body_hash, OLD.actor, OLD.created_at)
            IS DISTINCT FROM (NEW.run_id, NEW.signal_id, NEW.seq, NEW.name, NEW.payload, NEW.body_hash, NEW.actor, NEW.created_at))
    EXECUTE FUNCTION refuse_rewriting('payload body_hash');

CREATE OR REPLACE TRIGGER human_tasks_written_once BEFORE UPDATE OR DELETE ON human_tasks FOR EACH ROW WHEN (OLD.status <> 'OPEN')
    EXECUTE FUNCTION refuse_rewriting('title note defaults evidence proposals answer answer_hash shown_digest snooze_reason');
CREATE OR REPLACE TRIGGER human_task_events_written_once BEFORE UPDATE OR DELETE ON human_task_events FOR EACH ROW
    EXECUTE FUNCTION refuse_rewriting('detail');

-- What an action is never changes; what it came to changes only from executed to confirmed or disputed, and a dispute's closing.
CREATE OR REPLACE TRIGGER actions_kept BEFORE DELETE ON actions FOR EACH ROW EXECUTE FUNCTION refuse_rewriting('');
CREATE OR REPLACE TRIGGER actions_written_once BEFORE UPDATE ON actions FOR EACH ROW
    WHEN ((OLD.id, OLD.run_id, OLD.claim, OLD.purpose, OLD.payee, OLD.amount, OLD.currency, OLD.coverage, OLD.evidence, OLD.digest,
            OLD.shown_digest, OLD.proposed_by, OLD.paid_before, OLD.content, OLD.created_at)
            IS DISTINCT FROM (NEW.id, NEW.run_id, NEW.claim, NEW.purpose, NEW.payee, NEW.amount, NEW.currency, NEW.coverage, NEW.evidence,
                NEW.digest, NEW.shown_digest, NEW.proposed_by, NEW.paid_before, NEW.content, NEW.created_at)
        OR (OLD.status IN ('EXECUTED', 'CONFIRMED', 'DISPUTED') AND (
            NEW.status NOT IN ('EXECUTED', 'CONFIRMED', 'DISPUTED') OR (OLD.status = 'CONFIRMED' AND NEW.status <> 'CONFIRMED')
            OR (OLD.executed_at, OLD.step_seq, OLD.call_seq) IS DISTINCT FROM (NEW.executed_at, NEW.step_seq, NEW.call_seq)))
        OR (OLD.dispute_closed_at IS NOT NULL AND (OLD.dispute_closed_at, OLD.dispute_closed_by, OLD.dispute_reason)
            IS DISTINCT FROM (NEW.dispute_closed_at, NEW.dispute_closed_by, NEW.dispute_reason)))
    EXECUTE FUNCTION refuse_rewriting('evidence dispute_reason');

-- An approval is of one action, by one person. Once revoked, or once its action was done, it stays as it is.
CREATE OR REPLACE TRIGGER approvals_kept BEFORE DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION refuse_rewriting('');
CREATE OR REPLACE TRIGGER approvals_written_once BEFORE UPDATE ON approvals FOR EACH ROW
    WHEN ((OLD.revoked_at IS NOT NULL AND OLD.revoked_at IS NOT DISTINCT FROM NEW.revoked_at) OR (OLD.id, OLD.action_id, OLD.approver, OLD.digest)
        IS DISTINCT FROM (NEW.id, NEW.action_id, NEW.approver, NEW.digest))
    EXECUTE FUNCTION refuse_rewriting('');

CREATE OR REPLACE TRIGGER people_changes_written_once BEFORE UPDATE OR DELETE ON people_changes FOR EACH ROW EXECUTE FUNCTION refuse_rewriting('');
