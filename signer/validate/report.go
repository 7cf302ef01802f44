package validate

import (
	"time"

	"github.com/kyso-vn/kyso/signer"
)

// Verdict is the judgement on a whole file: the worst of its signatures.
type Verdict string

// The verdicts.
const (
	VerdictPassed        Verdict = "TOTAL_PASSED"
	VerdictIndeterminate Verdict = "INDETERMINATE"
	VerdictFailed        Verdict = "TOTAL_FAILED"
	VerdictNoSignature   Verdict = "NO_SIGNATURE"
	VerdictRefused       Verdict = "REFUSED" // unreadable, or beyond the limits
)

// Indication is the main status of a signature (EN 319 102-1, Table 5).
type Indication string

// The indications, from good to bad.
const (
	Passed        Indication = "TOTAL_PASSED"
	Indeterminate Indication = "INDETERMINATE"
	Failed        Indication = "TOTAL_FAILED"
)

// SubIndication tells more (EN 319 102-1, Table 6); "" when passed.
type SubIndication string

// The sub-indications that are used here.
const (
	FormatFailure      SubIndication = "FORMAT_FAILURE"
	HashFailure        SubIndication = "HASH_FAILURE"
	SigCryptoFailure   SubIndication = "SIG_CRYPTO_FAILURE"
	SigConstraints     SubIndication = "SIG_CONSTRAINTS_FAILURE"
	ChainConstraints   SubIndication = "CHAIN_CONSTRAINTS_FAILURE"
	ChainGeneral       SubIndication = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	CryptoConstraints  SubIndication = "CRYPTO_CONSTRAINTS_FAILURE"
	CryptoNoPOE        SubIndication = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	NoCertificateFound SubIndication = "NO_SIGNING_CERTIFICATE_FOUND"
	NoChainFound       SubIndication = "NO_CERTIFICATE_CHAIN_FOUND"
	RevokedNoPOE       SubIndication = "REVOKED_NO_POE"
	RevokedCANoPOE     SubIndication = "REVOKED_CA_NO_POE"
	OutOfBoundsNoPOE   SubIndication = "OUT_OF_BOUNDS_NO_POE"
	TimestampOrder     SubIndication = "TIMESTAMP_ORDER_FAILURE"
	TryLater           SubIndication = "TRY_LATER"
)

// Type is what a signature is for.
type Type string

// The types.
const (
	Approval      Type = "approval"
	Certification Type = "certification" // with a DocMDP transform
	DocTimestamp  Type = "doc-timestamp"
)

// Coverage is how much of the file the signature's ByteRange covers.
type Coverage string

// The coverages, from good to bad. Only the first two are accepted.
const (
	EntireFile      Coverage = "ENTIRE_FILE"
	EntireRevision  Coverage = "ENTIRE_REVISION"
	ContiguousBlock Coverage = "CONTIGUOUS_BLOCK_FROM_START"
	Unclear         Coverage = "UNCLEAR"
)

// Modification is the gravest kind of change since the signature.
type Modification string

// The kinds, from harmless to grave. OTHER covers all that no rule allows.
const (
	None        Modification = "NONE"
	LTAUpdates  Modification = "LTA_UPDATES"  // validation data, document time-stamps
	FormFilling Modification = "FORM_FILLING" // more signatures; text into empty fields
	Annotations Modification = "ANNOTATIONS"
	Other       Modification = "OTHER"
)

// Report is what is said about one file. It marshals to the line that kyso pdf verify prints.
type Report struct {
	File    string  `json:"file"`
	Verdict Verdict `json:"verdict"`
	// Code says, for REFUSED, why: a code of signer/pdf, "time_limit" or "size_limit".
	Code       string      `json:"code,omitempty"`
	Signatures []Signature `json:"signatures"`
	Reasons    []Reason    `json:"reasons,omitempty"`
	Pages      int         `json:"pages,omitempty"`
	Revisions  int         `json:"revisions,omitempty"`
	Encrypted  bool        `json:"encrypted,omitempty"`
	// ValidatedAt is the time for which the verdict holds.
	ValidatedAt time.Time `json:"validated_at"`
	MS          float64   `json:"ms"`
}

// Signature is what is said about one signature.
type Signature struct {
	Field         string        `json:"field"`
	Type          Type          `json:"type"`
	Level         signer.Level  `json:"level"`
	Indication    Indication    `json:"indication"`
	SubIndication SubIndication `json:"sub_indication"`
	Coverage      Coverage      `json:"coverage"`
	Modification  Modification  `json:"modification"`
	// DocMDPOK says that no certification and no field lock was broken since.
	DocMDPOK bool `json:"docmdp_ok"`
	// Signer is the common name in the certificate's subject, never the file's /Name.
	Signer string `json:"signer"`
	Issuer string `json:"issuer"`
	// ClaimedTime is what the signer wrote into /M; nobody vouches for it.
	ClaimedTime *time.Time `json:"claimed_time"`
	// BestTime is the earliest valid time-stamp: the signature existed then.
	BestTime *time.Time `json:"best_time"`
	Reasons  []Reason   `json:"reasons"`

	SubFilter string `json:"sub_filter,omitempty"`
	// Revision in which the signature stands, from 1.
	Revision int        `json:"revision,omitempty"`
	Page     int        `json:"page,omitempty"`
	Rect     [4]float64 `json:"rect"`

	Subject   string     `json:"subject,omitempty"` // RFC 4514
	Serial    string     `json:"serial,omitempty"`  // hexadecimal
	Unit      string     `json:"unit,omitempty"`    // the managing unit: OU, else O
	NotBefore *time.Time `json:"not_before,omitempty"`
	NotAfter  *time.Time `json:"not_after,omitempty"`
	Anchor    string     `json:"anchor,omitempty"` // name of the list that is trusted

	Digest          string `json:"digest,omitempty"` // hexadecimal, of the signed bytes
	DigestAlgorithm string `json:"digest_algorithm,omitempty"`
	Scheme          string `json:"scheme,omitempty"`

	StatedReason   string `json:"stated_reason,omitempty"`
	StatedLocation string `json:"stated_location,omitempty"`
	// Certify is the DocMDP permission of a certification, 1 to 3.
	Certify int `json:"certify,omitempty"`

	// FilledFields are text fields that got their text since.
	FilledFields []string `json:"filled_fields,omitempty"`
	// Changes tell what was changed since against the rules.
	Changes    []string            `json:"changes,omitempty"`
	Timestamps []Timestamp         `json:"timestamps,omitempty"`
	Chain      []CertificateStatus `json:"chain,omitempty"`
}

// Timestamp is one time-stamp over a signature value, or a document time-stamp itself.
type Timestamp struct {
	Kind  string    `json:"kind"` // "signature" or "document"
	Time  time.Time `json:"time"`
	TSA   string    `json:"tsa"`
	Valid bool      `json:"valid"` // trusted, and so a proof of existence
}

// CertificateStatus is one certificate of the path with its revocation status.
type CertificateStatus struct {
	Subject   string     `json:"subject"`
	Serial    string     `json:"serial"`
	Status    string     `json:"status"`           // good, revoked, unknown, trusted
	Source    string     `json:"source,omitempty"` // ocsp or crl
	Checked   *time.Time `json:"checked,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// Reason says why an indication is what it is, in a stable code and in words.
type Reason struct {
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
}

// Languages of Words.
const (
	Vietnamese = "vi"
	English    = "en"
)

// Words returns the verdict as a citizen understands it, in lang "vi" or "en".
func (v Verdict) Words(lang string) string {
	w, ok := map[Verdict][2]string{
		VerdictPassed:        {"hợp lệ", "valid"},
		VerdictFailed:        {"không hợp lệ", "invalid"},
		VerdictIndeterminate: {"không xác định", "undetermined"},
		VerdictNoSignature:   {"không có chữ ký số", "no signature"},
		VerdictRefused:       {"không đọc được tệp", "unreadable"},
	}[v]
	if !ok {
		return string(v)
	}
	if lang == English {
		return w[1]
	}
	return w[0]
}

// Words returns the indication as a citizen understands it.
func (i Indication) Words(lang string) string { return Verdict(i).Words(lang) }

// Words returns the verdict in lang; see Verdict.Words.
func (r *Report) Words(lang string) string { return r.Verdict.Words(lang) }

// settle sets the verdict: the worst of the signatures.
func (r *Report) settle() {
	if r.Verdict == VerdictRefused {
		return
	}
	if len(r.Signatures) == 0 {
		r.Verdict = VerdictNoSignature
		return
	}
	r.Verdict = VerdictPassed
	for _, s := range r.Signatures {
		if s.Indication == Failed {
			r.Verdict = VerdictFailed
		} else if s.Indication == Indeterminate && r.Verdict == VerdictPassed {
			r.Verdict = VerdictIndeterminate
		}
	}
}

var severity = map[Indication]int{Passed: 0, Indeterminate: 1, Failed: 2}

// judge lowers the indication; it never rises. The sub-indication is that of the first
// reason for the indication.
func (s *Signature) judge(i Indication, sub SubIndication, code string, args ...any) {
	s.Reasons = append(s.Reasons, reason(code, args...))
	if severity[i] > severity[s.Indication] {
		s.Indication, s.SubIndication = i, sub
	}
}

// note adds a reason that changes nothing.
func (s *Signature) note(code string, args ...any) {
	s.Reasons = append(s.Reasons, reason(code, args...))
}

// Unreadable is the report of a file that could not even be opened.
func Unreadable(name string) *Report {
	return &Report{File: name, Verdict: VerdictRefused, Code: "unreadable", Signatures: []Signature{}, Reasons: []Reason{refusal("unreadable")}, ValidatedAt: time.Now().UTC()}
}
