// Package mail delivers notices to people: one file each, written to a folder that the
// city's message gateway (SMS, iHanoi, mail) empties.
package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Outbox is the folder. Its files have mode 0600: they hold activation codes until the
// gateway has taken them.
type Outbox struct{ Dir string }

// Message is a file of the Outbox.
type Message struct {
	ID   string          `json:"id"`
	Kind string          `json:"kind"`
	To   string          `json:"to"` // telephone number or mail address; "" to be fetched in person
	Body json.RawMessage `json:"body"`
}

var safeID = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// Put writes the message as {id}.json, whole or not at all; the same id again replaces it,
// so a gateway sees each id at least once.
func (o *Outbox) Put(m Message) error {
	if !safeID.MatchString(m.ID) {
		return errors.New("notice id is not a file name")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make outbox: %w", err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	f, err := os.CreateTemp(o.Dir, ".notice-*")
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(o.Dir, m.ID+".json"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write notice: %w", err), os.Remove(f.Name()))
	}
	return syncDir(o.Dir)
}

// syncDir makes a new name durable: the notice is wiped elsewhere once it is here.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	return nil
}
