package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

const (
	sweepPage = 500 // ids asked about at once
	sweepFew  = 100 // of so few blobs even most may be orphans
	// unfinished is how the files end that a killed process was writing.
	unfinished = ".tmp"
)

// ErrManyOrphans stops a sweep before it deletes anything: more than half of the blobs are
// unknown, as they would be to another database than theirs.
var ErrManyOrphans = errors.New("most blobs are unknown to this database; none was deleted")

// Sweep deletes the blobs that were last written before a time and that known, asked about
// some ids at once, does not name; and what was left of writing. It returns how many.
func (s *Store) Sweep(ctx context.Context, before time.Time, known func(ctx context.Context, ids []string) (map[string]bool, error)) (deleted int, err error) {
	var keys, orphans []string // of one page, and of all
	total := 0
	look := func() error {
		ids := make([]string, len(keys))
		for i, key := range keys {
			ids[i] = strings.Replace(key, "/", "", 1)
		}
		have, err := known(ctx, ids)
		if err != nil {
			return fmt.Errorf("ask about blobs: %w", err)
		}
		for i, key := range keys {
			if !have[ids[i]] {
				orphans = append(orphans, key)
			}
		}
		total += len(keys)
		keys = keys[:0]
		return nil
	}
	var parts []string
	for list := s.bucket.List(&blob.ListOptions{}); ; {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("list blobs: %w", err)
		}
		switch {
		case !o.ModTime.Before(before):
			total++
		case validID(strings.Replace(o.Key, "/", "", 1)):
			keys = append(keys, o.Key)
		case strings.HasSuffix(o.Key, unfinished):
			parts = append(parts, o.Key)
		}
		if len(keys) == sweepPage {
			if err := look(); err != nil {
				return 0, err
			}
		}
	}
	if err := look(); err != nil {
		return 0, err
	}
	if total > sweepFew && len(orphans)*2 > total {
		return 0, fmt.Errorf("%d of %d blobs: %w", len(orphans), total, ErrManyOrphans)
	}
	for _, key := range append(orphans, parts...) {
		if err := s.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return deleted, fmt.Errorf("delete an orphan: %w", err)
		}
		deleted++
	}
	return deleted, nil
}
