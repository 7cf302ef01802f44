package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// upsertPerson returns the id of the person with this identity number, made or brought up to
// date. Until the transaction ends the row is held, so that what is decided about one person
// is decided in a row.
func (t *tx) upsertPerson(p issuance.Person, now time.Time) (id string, err error) {
	profile, err := json.Marshal(p.Profile)
	if err != nil {
		return "", err
	}
	identity := pki.CCCD + ":" + p.Identity
	err = t.get(&id, `INSERT INTO persons (id, identity_hash, identity_sealed, profile_sealed, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (identity_hash) DO UPDATE SET profile_sealed = excluded.profile_sealed, updated_at = excluded.updated_at
		RETURNING id`,
		p.ID, t.s.seal.hash("persons.identity", identity), t.s.seal.seal("persons.identity", []byte(identity)),
		t.s.seal.seal("persons.profile", profile), micros(now), micros(now))
	if err != nil {
		return "", fmt.Errorf("write person: %w", err)
	}
	return id, nil
}

// lockPerson holds a person's row until the transaction ends.
func (t *tx) lockPerson(id string) error {
	var got string
	if err := t.get(&got, `SELECT id FROM persons WHERE id = ?`+t.lock(), id); err != nil {
		return fmt.Errorf("lock person: %w", err)
	}
	return nil
}
