CREATE INDEX users_by_name ON users (pool_id, name);

CREATE TABLE tombstones (
    pool_id    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    merged_to  TEXT NOT NULL,
    deleted_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, user_id)
);
