-- +goose Up
-- People's and organisations' keys, wrapped in the HSM and again under the owner's secret.
CREATE TABLE agent_keys (
	credential_id TEXT PRIMARY KEY,
	subject_id    TEXT NOT NULL,
	unlock        TEXT NOT NULL CHECK (unlock IN ('pin', 'role')),
	spki          BYTEA NOT NULL UNIQUE,
	active        BIGINT NOT NULL CHECK (active IN (0, 1)),
	version       BIGINT NOT NULL CHECK (version > 0),
	record        BYTEA NOT NULL,
	tries         BIGINT NOT NULL DEFAULT 0,
	tries_total   BIGINT NOT NULL DEFAULT 0, -- never goes down
	locked_until  BIGINT NOT NULL DEFAULT 0,
	created_at    BIGINT NOT NULL
);
CREATE INDEX agent_keys_subject ON agent_keys (subject_id);

CREATE TABLE agent_totp (
	subject_id TEXT PRIMARY KEY,
	sealed     BYTEA NOT NULL,
	last_step  BIGINT NOT NULL DEFAULT 0,
	tries      BIGINT NOT NULL DEFAULT 0,
	locked_until BIGINT NOT NULL DEFAULT 0
);

-- Signature activation data: only the hash, what it is bound to, and the sealed KEK until it is used.
CREATE TABLE agent_sads (
	hash          BYTEA PRIMARY KEY,
	credential_id TEXT NOT NULL,
	subject_id    TEXT NOT NULL,
	binding       BYTEA NOT NULL,
	count         BIGINT NOT NULL CHECK (count > 0),
	sealed_kek    BYTEA,
	expires_at    BIGINT NOT NULL,
	used_at       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX agent_sads_expires ON agent_sads (expires_at);
