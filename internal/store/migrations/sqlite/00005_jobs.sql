-- +goose Up
-- The processes that work jobs count their beats; jobs of one that stands still are taken over.
CREATE TABLE job_clients (
	id    TEXT PRIMARY KEY,
	beats INTEGER NOT NULL
);
