-- +goose Up
-- An attachment that is a PDF of its own is signed with the seal, its bytes kept beside the
-- submitted ones.
ALTER TABLE document_attachments ADD COLUMN signable BIGINT NOT NULL DEFAULT 0 CHECK (signable IN (0, 1));
ALTER TABLE document_attachments ADD COLUMN signed_blob_id TEXT;
ALTER TABLE document_attachments ADD COLUMN signed_size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE document_attachments ADD COLUMN signed_sha256 BYTEA;
ALTER TABLE document_attachments ADD COLUMN signed_field TEXT NOT NULL DEFAULT '';
ALTER TABLE document_attachments ADD COLUMN level TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX document_attachments_signed ON document_attachments (signed_blob_id);

-- 0 is the document itself.
ALTER TABLE signings ADD COLUMN attachment BIGINT NOT NULL DEFAULT 0;
DROP INDEX signings_once;
CREATE UNIQUE INDEX signings_once ON signings (document_id, step, attachment) WHERE state IN ('released', 'finished');
