package store

import (
	"context"
	"fmt"
	"strings"
)

// KnownBlobs implements routing.Store.
func (s *Store) KnownBlobs(ctx context.Context, ids []string) (map[string]bool, error) {
	known := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return known, nil
	}
	in := "(?" + strings.Repeat(", ?", len(ids)-1) + ")"
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	err := s.snapshot(ctx, func(t *tx) error {
		for _, query := range []string{
			`SELECT blob_id FROM document_revisions WHERE blob_id IN ` + in,
			`SELECT blob_id FROM document_attachments WHERE blob_id IN ` + in,
			`SELECT signed_blob_id FROM document_attachments WHERE signed_blob_id IN ` + in,
		} {
			var found []string
			if err := t.sel(&found, query, args...); err != nil {
				return fmt.Errorf("look for blobs: %w", err)
			}
			for _, id := range found {
				known[id] = true
			}
		}
		return nil
	})
	return known, err
}
