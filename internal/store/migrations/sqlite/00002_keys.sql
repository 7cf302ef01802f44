-- +goose Up
-- People's and organisations' keys, wrapped in the HSM and again under the owner's secret.
CREATE TABLE agent_keys (
	credential_id TEXT PRIMARY KEY,
	subject_id    TEXT NOT NULL,
	unlock        TEXT NOT NULL CHECK (unlock IN ('pin', 'role')),
	spki          BLOB NOT NULL UNIQUE,
	active        INTEGER NOT NULL CHECK (active IN (0, 1)),
	version       INTEGER NOT NULL CHECK (version > 0),
	record        BLOB NOT NULL,
	tries         INTEGER NOT NULL DEFAULT 0,
	tries_total   INTEGER NOT NULL DEFAULT 0, -- never goes down
	locked_until  INTEGER NOT NULL DEFAULT 0,
	created_at    INTEGER NOT NULL
);
CREATE INDEX agent_keys_subject ON agent_keys (subject_id);

CREATE TABLE agent_totp (
	subject_id TEXT PRIMARY KEY,
	sealed     BLOB NOT NULL,
	last_step  INTEGER NOT NULL DEFAULT 0,
	tries      INTEGER NOT NULL DEFAULT 0,
	locked_until INTEGER NOT NULL DEFAULT 0
);

-- Signature activation data: only the hash, what it is bound to, and the sealed KEK until it is used.
CREATE TABLE agent_sads (
	hash          BLOB PRIMARY KEY,
	credential_id TEXT NOT NULL,
	subject_id    TEXT NOT NULL,
	binding       BLOB NOT NULL,
	count         INTEGER NOT NULL CHECK (count > 0),
	sealed_kek    BLOB,
	expires_at    INTEGER NOT NULL,
	used_at       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX agent_sads_expires ON agent_sads (expires_at);
