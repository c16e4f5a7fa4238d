-- Run by the migration job each time the stack comes up; safe to repeat.
CREATE TABLE IF NOT EXISTS notes (
    id serial PRIMARY KEY,
    body text NOT NULL,
    written timestamptz NOT NULL DEFAULT now()
);
