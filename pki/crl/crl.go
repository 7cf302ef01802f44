// Package crl makes certificate revocation lists in two steps: Prepare fixes
// and lints every byte that will be signed, Issue signs exactly those bytes,
// once. It also reads lists.
//
// A CA's certificates are spread over shards by serial number (see
// pki.Serial.Shard); each shard's list carries a critical
// IssuingDistributionPoint with the address that stands in its certificates,
// so that no shard can be passed off as another. A root has one whole list
// without that extension.
package crl

import (
	"cmp"
	"iter"
	"math/big"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// Refusals of this package; see pki.Code.
const (
	// ErrTemplate: a list that can't be made so.
	ErrTemplate pki.Code = "crl_template"
	// ErrEntry: an entry that can't stand in the list.
	ErrEntry pki.Code = "crl_entry"
	// ErrDraftUsed: a draft that was given to Issue before.
	ErrDraftUsed pki.Code = "crl_draft_used"
	// ErrMalformed: not a list that this package reads.
	ErrMalformed pki.Code = "crl_malformed"
	// ErrScope: a list that isn't the one for the certificate in question.
	ErrScope pki.Code = "crl_scope"
	// ErrStale: a list that isn't valid at the time in question.
	ErrStale pki.Code = "crl_stale"
)

// Entry is one revoked or held certificate.
type Entry struct {
	Serial pki.Serial
	// RevokedAt is when it was revoked, to the second.
	RevokedAt time.Time
	// Reason; Unspecified is left out of the list, as RFC 5280, Section 5.3.1
	// asks.
	Reason pki.Reason
	// InvalidityDate is when the key is known or thought to have been lost
	// (RFC 5280, Section 5.3.2); zero for none.
	InvalidityDate time.Time
}

// Shard returns which of n lists covers serial: pki.Serial.Shard.
func Shard(serial pki.Serial, n int) int { return serial.Shard(n) }

// Number returns the cRLNumber of a list made at now: the microseconds since
// 1970, or one more than last where the clock has not advanced. So it grows
// also after a backup was restored. last may be nil.
func Number(now time.Time, last *big.Int) *big.Int {
	n := big.NewInt(now.UnixMicro())
	if last != nil && n.Cmp(last) <= 0 {
		n.Add(last, big.NewInt(1))
	}
	return n
}

// Stays tells whether the entry of a certificate that ends at notAfter must
// stand in the next list, given when the previous one was made: an entry stays
// until one list was made after the certificate expired (RFC 5280, Section
// 3.3). A zero previous is no list.
func Stays(notAfter, previousThisUpdate time.Time) bool {
	return previousThisUpdate.IsZero() || !previousThisUpdate.After(notAfter)
}

// Entries yields a slice in the order Prepare wants, leaving the slice alone.
func Entries(entries []Entry) iter.Seq2[Entry, error] {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return slices.CompareFunc(a.Serial[:], b.Serial[:], cmp.Compare) })
	return func(yield func(Entry, error) bool) {
		for _, e := range sorted {
			if !yield(e, nil) {
				return
			}
		}
	}
}
