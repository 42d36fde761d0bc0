-- The data of each run as it is now. The law: what a run began with, and what a step left, stands once, in that step's checkpoint,
-- and `runs.data_step` names the step; what no step wrote (a person's correction, an erasure's note, and what was written before
-- there was that column) stands in `corrected_data`. Whoever reads or replaces a run's data does so here.

CREATE OR REPLACE VIEW run_data AS
    SELECT r.id AS run_id,
        CASE WHEN r.data_step IS NULL THEN (SELECT d.data FROM corrected_data d WHERE d.run_id = r.id)
            ELSE (SELECT c.output -> 'data' FROM checkpoints c WHERE c.run_id = r.id AND c.step_seq = r.data_step AND c.call_seq = 0)
        END AS data,
        CASE WHEN r.data_step IS NULL THEN (SELECT d.updated_at FROM corrected_data d WHERE d.run_id = r.id)
            ELSE (SELECT c.completed_at FROM checkpoints c WHERE c.run_id = r.id AND c.step_seq = r.data_step AND c.call_seq = 0)
        END AS updated_at
    FROM runs r;

-- Data that no step wrote. The run's row must be locked, or have been written by the same statement.
CREATE OR REPLACE FUNCTION correct_data() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO corrected_data AS d (run_id, data, updated_at) VALUES (NEW.run_id, NEW.data, NEW.updated_at)
        ON CONFLICT (run_id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at;
    UPDATE runs SET data_step = NULL WHERE id = NEW.run_id AND data_step IS NOT NULL;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER run_data_corrected INSTEAD OF INSERT OR UPDATE ON run_data FOR EACH ROW EXECUTE FUNCTION correct_data();
