-- 0002: what Authing clients know of a person, fields a pool defines itself, pool
-- secrets, pipeline functions and uploaded pictures.

-- attributes is a JSON object of profile fields nobody is looked up by; external_id is
-- the customer's own key for the person. registered_by names how the account came to be.
ALTER TABLE users ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN sign_ins BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN last_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN registered_by TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX users_by_external_id ON users (pool_id, external_id) WHERE external_id IS NOT NULL;

-- Fields a pool defines for its people; their values are in users.custom.
CREATE TABLE fields (
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    key        TEXT NOT NULL,
    data_type  TEXT NOT NULL,
    label      TEXT NOT NULL,
    options    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, key)
);

-- What a customer's own server shows to manage a pool. hash is SHA-256.
CREATE TABLE pool_secrets (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    hash       BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX pool_secrets_by_hash ON pool_secrets (pool_id, hash);

-- Functions of a pool's pipelines, run in the order of position. version names the row of
-- function_versions that runs; versions are never changed.
CREATE TABLE functions (
    id          TEXT PRIMARY KEY,
    pool_id     TEXT NOT NULL REFERENCES pools(id),
    point       TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    position    BIGINT NOT NULL,
    enabled     BOOLEAN NOT NULL,
    background  BOOLEAN NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX functions_by_pool ON functions (pool_id, point, position);
CREATE UNIQUE INDEX functions_by_name ON functions (pool_id, name);

CREATE TABLE function_versions (
    function_id TEXT NOT NULL REFERENCES functions(id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,
    source      TEXT NOT NULL,
    author      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (function_id, version)
);

-- What functions read as env; values are sealed.
CREATE TABLE function_env (
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    name       TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, name)
);

CREATE TABLE media (
    id         TEXT PRIMARY KEY,
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    mime       TEXT NOT NULL,
    body       BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX media_by_pool ON media (pool_id, created_at);
