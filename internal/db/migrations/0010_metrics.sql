-- 0010: numbers over time. Additive.

-- How often something happened in a pool in one hour, which is counted from 1970. Nodes
-- add to the same row.
CREATE TABLE metrics (
    pool_id TEXT NOT NULL,
    hour    BIGINT NOT NULL,
    name    TEXT NOT NULL,
    label   TEXT NOT NULL,
    result  TEXT NOT NULL,
    n       BIGINT NOT NULL,
    PRIMARY KEY (pool_id, hour, name, label, result)
);
CREATE INDEX metrics_by_hour ON metrics (hour);
