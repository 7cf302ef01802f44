-- +goose Up
-- Numbers that were given to documents: one each in a unit, a year and a notation.
CREATE TABLE issued_numbers (
	number_hash BLOB PRIMARY KEY, -- keyed hash over unit, year, notation and number
	document_id TEXT NOT NULL UNIQUE REFERENCES documents (id)
);
