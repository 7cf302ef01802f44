package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/kyso-vn/kyso/internal/routing"
)

func (t *tx) readAttachments(d *routing.Document) error {
	var rows []struct {
		N            int            `db:"n"`
		Name         []byte         `db:"name_sealed"`
		MediaType    string         `db:"media_type"`
		SameFile     int            `db:"same_file"`
		BlobID       sql.NullString `db:"blob_id"`
		Size         int64          `db:"size"`
		SHA256       []byte         `db:"sha256"`
		Signable     int            `db:"signable"`
		SignedBlobID sql.NullString `db:"signed_blob_id"`
		SignedField  string         `db:"signed_field"`
		SignedSize   int64          `db:"signed_size"`
		SignedSHA256 []byte         `db:"signed_sha256"`
		Level        string         `db:"level"`
	}
	if err := t.sel(&rows, `SELECT n, name_sealed, media_type, same_file, blob_id, size, sha256, signable, signed_blob_id, signed_field, signed_size, signed_sha256, level
		FROM document_attachments WHERE document_id = ? ORDER BY n`, d.ID); err != nil {
		return fmt.Errorf("read attachments: %w", err)
	}
	for _, r := range rows {
		name, err := t.s.seal.open("document_attachments.name", r.Name)
		if err != nil {
			return err
		}
		d.Attachments = append(d.Attachments, routing.StoredAttachment{N: r.N, BlobID: r.BlobID.String, Size: r.Size, SHA256: r.SHA256,
			Attachment: routing.Attachment{Name: string(name), MediaType: r.MediaType, SameFile: r.SameFile == 1}, Signable: r.Signable == 1,
			SignedBlobID: r.SignedBlobID.String, SignedField: r.SignedField, SignedSize: r.SignedSize, SignedSHA256: r.SignedSHA256, Level: r.Level})
	}
	return nil
}

// RecordAttachment implements routing.Store.
func (s *Store) RecordAttachment(ctx context.Context, a routing.SignedAttachment) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		if _, err := t.lockDocument(a.DocumentID); err != nil {
			return err
		}
		if a.SigningID != "" {
			n, err := t.exec(`UPDATE signings SET state = 'finished', prepared_sealed = NULL, finished_at = ? WHERE id = ? AND state = 'released'`, micros(a.At), a.SigningID)
			if err != nil {
				return fmt.Errorf("finish the signing of an attachment: %w", err)
			}
			if n == 0 {
				return nil
			}
		}
		n, err := t.exec(`UPDATE document_attachments SET signed_blob_id = ?, signed_field = ?, signed_size = ?, signed_sha256 = ?, level = ?
			WHERE document_id = ? AND n = ? AND COALESCE(signed_blob_id, '') = ?`,
			a.Blob.ID, a.Field, a.Blob.Size, a.Blob.SHA256, a.Level, a.DocumentID, a.N, a.From)
		if err != nil {
			return fmt.Errorf("record a signed attachment: %w", err)
		}
		ok = n == 1
		return nil
	})
	return ok && err == nil, err
}

// RecordStamped implements routing.Store.
func (s *Store) RecordStamped(ctx context.Context, documentID string, c routing.Change) error {
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE documents SET timestamp_pending = 0, updated_at = ? WHERE id = ? AND timestamp_pending = 1`, micros(c.At), documentID)
		if err != nil {
			return fmt.Errorf("record that a document is stamped: %w", err)
		}
		if n == 0 {
			return nil
		}
		return t.change(c)
	})
}
