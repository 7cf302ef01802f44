package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// InsertCA implements issuance.Store.
func (s *Store) InsertCA(ctx context.Context, c issuance.Authority, e audit.Event) error {
	serves := make([]string, len(c.Serves))
	for i, k := range c.Serves {
		serves[i] = string(k)
	}
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`INSERT INTO cas (name, key_name, parent, cert_der, serves, shards, state, created_at) VALUES (?, ?, ?, ?, ?, ?, 'active', ?)
			ON CONFLICT (name) DO NOTHING`, c.Name, c.KeyName, orNull(c.Parent), c.DER, strings.Join(serves, ","), c.Shards, micros(c.CreatedAt))
		if err != nil {
			return fmt.Errorf("insert CA: %w", err)
		}
		if n == 0 {
			var same int
			err := t.get(&same, `SELECT COUNT(*) FROM cas WHERE name = ? AND key_name = ? AND cert_der = ? AND shards = ?`, c.Name, c.KeyName, c.DER, c.Shards)
			if err == nil && same == 0 {
				err = issuance.ErrCAExists
			}
			return err
		}
		for shard := range max(c.Shards, 1) {
			if _, err := t.exec(`INSERT INTO crl_shards (ca, shard) VALUES (?, ?)`, c.Name, shard); err != nil {
				return fmt.Errorf("insert CRL shard: %w", err)
			}
		}
		return t.audit(e)
	})
}

// RecordOwn implements issuance.Store.
func (s *Store) RecordOwn(ctx context.Context, c issuance.Certificate, der []byte, e audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		_, ok, err := t.certificate(`ca = ? AND serial = ?`, c.CA, c.Serial)
		if err != nil || ok {
			return err
		}
		r := certificateRow{ID: c.ID, CA: c.CA, Serial: c.Serial, Shard: c.Shard, State: "issued", Status: "good", Event: string(c.Event), Kind: string(c.Kind),
			SubjectID: c.SubjectID, Name: c.Name, NameFolded: foldName(c.Name), NotBefore: micros(c.NotBefore), NotAfter: micros(c.NotAfter),
			ReservedAt: micros(c.ReservedAt), SigningAt: micros(c.ReservedAt), IssuedAt: micros(c.IssuedAt), ActivatedAt: micros(c.ActivatedAt)}
		if _, err := t.NamedExecContext(t.ctx, insertCertificate, r); err != nil {
			return fmt.Errorf("insert certificate: %w", err)
		}
		_, err = t.exec(`INSERT INTO certificate_bytes (certificate_id, der_sealed) VALUES (?, ?)`, c.ID, t.s.seal.seal(derColumn, der))
		if err != nil {
			return fmt.Errorf("store the certificate: %w", err)
		}
		return t.audit(e)
	})
}

// CAs implements issuance.Store.
func (s *Store) CAs(ctx context.Context) ([]issuance.Authority, error) {
	var rows []struct {
		Name      string         `db:"name"`
		KeyName   string         `db:"key_name"`
		Parent    sql.NullString `db:"parent"`
		CertDER   []byte         `db:"cert_der"`
		Serves    string         `db:"serves"`
		Shards    int            `db:"shards"`
		State     string         `db:"state"`
		CreatedAt int64          `db:"created_at"`
	}
	err := s.sel(ctx, &rows, `SELECT name, key_name, parent, cert_der, serves, shards, state, created_at FROM cas ORDER BY created_at, name`)
	if err != nil {
		return nil, fmt.Errorf("read CAs: %w", err)
	}
	list := make([]issuance.Authority, 0, len(rows))
	for _, r := range rows {
		a := issuance.Authority{Name: r.Name, KeyName: r.KeyName, Parent: r.Parent.String, DER: r.CertDER, Shards: r.Shards,
			Active: r.State == "active", CreatedAt: fromMicros(r.CreatedAt)}
		for kind := range strings.SplitSeq(r.Serves, ",") {
			if kind != "" {
				a.Serves = append(a.Serves, pki.Kind(kind))
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// RecordTBS implements issuance.Store.
func (s *Store) RecordTBS(ctx context.Context, keyName string, hash [32]byte, at time.Time) error {
	return s.tx(ctx, func(t *tx) error { return t.recordTBS(keyName, hash, at) })
}

func (t *tx) recordTBS(keyName string, hash [32]byte, at time.Time) error {
	_, err := t.exec(`INSERT INTO drafts (key_name, tbs_hash, state, recorded_at) VALUES (?, ?, 'recorded', ?) ON CONFLICT DO NOTHING`,
		keyName, hash[:], micros(at))
	if err != nil {
		return fmt.Errorf("record the draft: %w", err)
	}
	return nil
}

// TBSSigned implements issuance.Store.
func (s *Store) TBSSigned(ctx context.Context, keyName string, hash [32]byte) error {
	return s.tx(ctx, func(t *tx) error { return t.closeDraft(keyName, hash, "signed") })
}

func (t *tx) closeDraft(keyName string, hash [32]byte, state string) error {
	n, err := t.exec(`UPDATE drafts SET state = ? WHERE key_name = ? AND tbs_hash = ? AND state = 'recorded'`, state, keyName, hash[:])
	if err != nil || n != 1 {
		return fmt.Errorf("close the draft of %s (%d rows): %w", keyName, n, errors.Join(err, ifNot(n == 1, issuance.ErrState)))
	}
	return nil
}

// DraftRecorded implements agent.Store.
func (s *Store) DraftRecorded(ctx context.Context, key string, tbsHash []byte) (bool, error) {
	// Asked of the writer: a reader might see less than what was just committed.
	var n int
	err := s.w.GetContext(ctx, &n, s.w.Rebind(`SELECT COUNT(*) FROM drafts WHERE key_name = ? AND tbs_hash = ? AND state = 'recorded'`), key, tbsHash)
	if err != nil {
		return false, fmt.Errorf("read the draft: %w", err)
	}
	return n == 1, nil
}

type shardRow struct {
	CA         string `db:"ca"`
	Shard      int    `db:"shard"`
	Changes    int64  `db:"changes"`
	Built      int64  `db:"built"`
	Number     string `db:"number"`
	ThisUpdate int64  `db:"this_update"`
	NextUpdate int64  `db:"next_update"`
	DER        []byte `db:"der"`
}

func (r shardRow) shard() issuance.Shard {
	return issuance.Shard{CA: r.CA, Shard: r.Shard, Changes: r.Changes, Built: r.Built, Number: r.Number,
		ThisUpdate: fromMicros(r.ThisUpdate), NextUpdate: fromMicros(r.NextUpdate), DER: r.DER}
}

// Shards implements issuance.Store; the lists themselves are left out.
func (s *Store) Shards(ctx context.Context, ca string, now time.Time, all bool) ([]issuance.Shard, error) {
	var rows []shardRow
	err := s.sel(ctx, &rows, `SELECT ca, shard, changes, built, number, this_update, next_update FROM crl_shards
		WHERE ca = ? AND (? = 1 OR changes > built OR ? - this_update >= next_update - ?) ORDER BY shard`, ca, flag(all), micros(now), micros(now))
	if err != nil {
		return nil, fmt.Errorf("read CRL shards: %w", err)
	}
	list := make([]issuance.Shard, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.shard())
	}
	return list, nil
}

// Entries implements issuance.Store.
func (s *Store) Entries(ctx context.Context, ca string, shard int, since time.Time) ([]issuance.Entry, error) {
	var rows []struct {
		Serial    string `db:"serial"`
		Reason    int    `db:"reason"`
		RevokedAt int64  `db:"revoked_at"`
		InvalidAt int64  `db:"invalid_at"`
	}
	err := s.sel(ctx, &rows, `SELECT serial, reason, revoked_at, invalid_at FROM certificates
		WHERE ca = ? AND shard = ? AND status IN ('hold', 'revoked') AND not_after >= ?`, ca, shard, micros(since))
	if err != nil {
		return nil, fmt.Errorf("read CRL entries: %w", err)
	}
	list := make([]issuance.Entry, 0, len(rows))
	for _, r := range rows {
		list = append(list, issuance.Entry{Serial: r.Serial, Reason: pki.Reason(r.Reason), RevokedAt: fromMicros(r.RevokedAt), InvalidAt: fromMicros(r.InvalidAt)})
	}
	return list, nil
}

// StoreCRL implements issuance.Store. Numbers are compared as numbers: they are decimal
// without leading zeros. They come from the builders' clocks, so a list that saw fewer changes
// may have the higher one; it is not kept.
func (s *Store) StoreCRL(ctx context.Context, c issuance.Shard, keyName string, tbsHash [32]byte) error {
	return s.tx(ctx, func(t *tx) error {
		if err := t.closeDraft(keyName, tbsHash, "signed"); err != nil {
			return err
		}
		_, err := t.exec(`UPDATE crl_shards SET built = ?, number = ?, this_update = ?, next_update = ?, der = ?
			WHERE ca = ? AND shard = ? AND built <= ? AND (LENGTH(number) < ? OR LENGTH(number) = ? AND number < ?)`,
			c.Changes, c.Number, micros(c.ThisUpdate), micros(c.NextUpdate), c.DER, c.CA, c.Shard, c.Changes, len(c.Number), len(c.Number), c.Number)
		if err != nil {
			return fmt.Errorf("store the CRL: %w", err)
		}
		return nil
	})
}

// CRL implements issuance.Store.
func (s *Store) CRL(ctx context.Context, ca string, shard int) (issuance.Shard, error) {
	var r shardRow
	err := s.get(ctx, &r, `SELECT ca, shard, changes, built, number, this_update, next_update, der FROM crl_shards WHERE ca = ? AND shard = ?`, ca, shard)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Shard{}, auth.ErrNotFound
	}
	if err != nil {
		return issuance.Shard{}, fmt.Errorf("read the CRL: %w", err)
	}
	return r.shard(), nil
}
