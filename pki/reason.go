package pki

import "strconv"

// Reason is a CRLReason with the numbers of RFC 5280, Section 5.3.1.
type Reason uint8

// The reasons. 7 is not used by the standard.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	// CertificateHold is a suspension (tạm dừng); the only reason that ends.
	CertificateHold Reason = 6
	// RemoveFromCRL stands only in delta CRLs, which are not made here.
	RemoveFromCRL      Reason = 8
	PrivilegeWithdrawn Reason = 9
	AACompromise       Reason = 10
)

// code returns the stable words of r, "" for numbers that are no reason.
func (r Reason) code() string {
	switch r {
	case Unspecified:
		return "unspecified"
	case KeyCompromise:
		return "key_compromise"
	case CACompromise:
		return "ca_compromise"
	case AffiliationChanged:
		return "affiliation_changed"
	case Superseded:
		return "superseded"
	case CessationOfOperation:
		return "cessation_of_operation"
	case CertificateHold:
		return "certificate_hold"
	case RemoveFromCRL:
		return "remove_from_crl"
	case PrivilegeWithdrawn:
		return "privilege_withdrawn"
	case AACompromise:
		return "aa_compromise"
	}
	return ""
}

// Valid tells whether r is a CRLReason.
func (r Reason) Valid() bool { return r.code() != "" }

// Revokes tells whether a certificate can be revoked or held for r in this
// PKI: every reason but removeFromCRL.
func (r Reason) Revokes() bool { return r.Valid() && r != RemoveFromCRL }

// Final tells whether a revocation for r can never be undone.
func (r Reason) Final() bool { return r.Revokes() && r != CertificateHold }

// String returns the stable word of r, as "key_compromise".
func (r Reason) String() string {
	if c := r.code(); c != "" {
		return c
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}

// ParseReason reads the word that String writes; anything else is ErrReason.
func ParseReason(code string) (Reason, error) {
	for r := Unspecified; r <= AACompromise; r++ {
		if c := r.code(); c != "" && c == code {
			return r, nil
		}
	}
	return 0, &Error{Code: ErrReason, Detail: "no such reason"}
}

// MarshalText implements encoding.TextMarshaler; a number that is no reason
// is ErrReason.
func (r Reason) MarshalText() ([]byte, error) {
	if !r.Valid() {
		return nil, &Error{Code: ErrReason, Detail: "no such reason"}
	}
	return []byte(r.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler in the form of ParseReason.
func (r *Reason) UnmarshalText(text []byte) (err error) {
	*r, err = ParseReason(string(text))
	return err
}
