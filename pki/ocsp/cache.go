package ocsp

import (
	"slices"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// cache holds answers to requests for one certificate without a nonce.
type cache struct {
	max int

	mu      sync.RWMutex
	entries map[string]*cached // by CertID, as it came
	keys    map[pki.Serial][]string
	changes uint64 // counts Forget, so that an answer computed before isn't kept after
}

type cached struct {
	answer     Answer
	statuses   []Status
	freshUntil time.Time
}

func newCache(max int) *cache {
	return &cache{max: max, entries: map[string]*cached{}, keys: map[pki.Serial][]string{}}
}

// cacheKey tells whether answers to r may be kept, and under what.
func cacheKey(r *Request) (string, bool) {
	if r.Nonce != nil || len(r.IDs) != 1 {
		return "", false
	}
	// The serial number leads, so that forget needs no second parse.
	return string(r.IDs[0].Serial[:]) + string(r.IDs[0].raw), true
}

func serialOf(key string) (s pki.Serial) {
	copy(s[:], key)
	return s
}

// serves tells whether the kept answer is still true.
func (c *cached) serves(statuses []Status, now time.Time) bool {
	return c != nil && now.Before(c.answer.NextUpdate) && slices.EqualFunc(c.statuses, statuses, func(a, b Status) bool {
		return a.State == b.State && a.Reason == b.Reason && a.RevokedAt.Equal(b.RevokedAt)
	})
}

func (c *cache) get(key string) *cached {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[key]
}

func (c *cache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

func (c *cache) put(key string, epoch uint64, entry *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.max <= 0 || epoch != c.changes {
		return
	}
	if _, known := c.entries[key]; !known {
		// Full: any entry makes room; the map's order is as good as chance.
		for old := range c.entries {
			if len(c.entries) < c.max {
				break
			}
			c.drop(old)
		}
		serial := serialOf(key)
		c.keys[serial] = append(c.keys[serial], key)
	}
	c.entries[key] = entry
}

// drop removes one entry; mu is held.
func (c *cache) drop(key string) {
	delete(c.entries, key)
	serial := serialOf(key)
	if rest := slices.DeleteFunc(c.keys[serial], func(k string) bool { return k == key }); len(rest) > 0 {
		c.keys[serial] = rest
	} else {
		delete(c.keys, serial)
	}
}

func (c *cache) forget(serial pki.Serial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for _, key := range c.keys[serial] {
		delete(c.entries, key)
	}
	delete(c.keys, serial)
}
