// Package profile holds the certificate profiles: which attributes a subject
// has, how long a certificate lives, which keys it may certify and which
// extensions it carries. A profile is a reviewed YAML file with a version; the
// files that ship with the package are the rules of Vietnamese practice.
package profile

import (
	"crypto/x509"
	"encoding/asn1"
	"strconv"

	"github.com/kyso-vn/kyso/pki"
)

// Refusals of this package; see pki.Code.
const (
	// ErrProfile: a profile file that is not well-formed or contradicts itself.
	ErrProfile pki.Code = "profile_invalid"
	// ErrUnknown: no profile of that name.
	ErrUnknown pki.Code = "profile_unknown"
)

// Role says what certificates of a profile do in the PKI.
type Role string

// The roles.
const (
	Root       Role = "root"
	Issuing    Role = "issuing"
	Subscriber Role = "subscriber"
	OCSP       Role = "ocsp"
	TSA        Role = "tsa"
)

// Profile is one version of one profile. It is read-only after loading.
type Profile struct {
	Name    string `yaml:"name"`
	Version int    `yaml:"version"`
	Role    Role   `yaml:"role"`
	// Kind and Regime are recorded with each certificate. Kind is empty for CAs,
	// Regime for whatever isn't a subscriber's.
	Kind   pki.Kind   `yaml:"kind"`
	Regime pki.Regime `yaml:"regime"`
	// Subject lists the attributes in the order of the certificate.
	Subject  []SubjectRule `yaml:"subject"`
	Validity Validity      `yaml:"validity"`
	Keys     KeyRules      `yaml:"keys"`

	// KeyUsage holds the names of RFC 5280, Section 4.2.1.3. Always critical.
	KeyUsage []string `yaml:"key_usage"`
	// ExtKeyUsage holds names (documentSigning, emailProtection, clientAuth,
	// OCSPSigning, timeStamping) or object identifiers in dotted form.
	ExtKeyUsage         []string `yaml:"ext_key_usage"`
	ExtKeyUsageCritical bool     `yaml:"ext_key_usage_critical"`
	// Policies are certificate policies in dotted form. The arc
	// 1.3.6.1.4.1.32473 (RFC 5612) stands for one's own: see Options.
	Policies []string `yaml:"policies"`
	// CA is nil for end entities.
	CA *CARules `yaml:"ca"`
	// OCSP, CAIssuers: the addresses in the AuthorityInfoAccess extension.
	OCSP      bool `yaml:"ocsp"`
	CAIssuers bool `yaml:"ca_issuers"`
	// CRL: whether there is a CRL distribution point.
	CRL bool `yaml:"crl"`
	// OCSPNoCheck is id-pkix-ocsp-nocheck (RFC 6960, Section 4.2.2.2.1).
	OCSPNoCheck bool `yaml:"ocsp_no_check"`
	// PSS: an RSA CA signs certificates of this profile by RSASSA-PSS. The
	// default, PKCS#1 v1.5, is accepted by all software.
	PSS bool `yaml:"pss"`

	keyUsage    x509.KeyUsage
	extKeyUsage []asn1.ObjectIdentifier
	policies    []x509.OID
	digest      [32]byte
}

// SubjectRule says what one attribute type may be.
type SubjectRule struct {
	Type     pki.AttributeType `yaml:"type"`
	Required bool              `yaml:"required"`
	Repeat   bool              `yaml:"repeat"`
	// Values lists the only values allowed; empty for any.
	Values []string `yaml:"values"`
	// Prefixes lists the UID prefixes allowed; at least one for UID.
	Prefixes []string `yaml:"prefixes"`
}

// Validity is how long a certificate lives.
type Validity struct {
	Default Period `yaml:"default"`
	Max     Period `yaml:"max"`
}

// KeyRules lists the subject keys a profile accepts.
type KeyRules struct {
	// RSA bounds the modulus in bits; the zero value takes no RSA keys.
	RSA struct {
		Min int `yaml:"min"`
		Max int `yaml:"max"`
	} `yaml:"rsa"`
	// Curves holds P-256, P-384 or both.
	Curves []string `yaml:"curves"`
}

// CARules is the BasicConstraints of a CA.
type CARules struct {
	// PathLength is the pathLenConstraint, nil for none.
	PathLength *int `yaml:"path_length"`
}

// ID returns name and version, as "citizen@1": what is recorded with each
// certificate.
func (p *Profile) ID() string { return p.Name + "@" + strconv.Itoa(p.Version) }

// Digest returns the SHA-256 of the file the profile was read from and of the
// options it was loaded with.
func (p *Profile) Digest() [32]byte { return p.digest }

// IsCA tells whether the profile makes CAs.
func (p *Profile) IsCA() bool { return p.CA != nil }

// KeyUsageBits returns KeyUsage as crypto/x509 has it.
func (p *Profile) KeyUsageBits() x509.KeyUsage { return p.keyUsage }

// ExtKeyUsageOIDs returns ExtKeyUsage as object identifiers, in order. The
// caller doesn't change them.
func (p *Profile) ExtKeyUsageOIDs() []asn1.ObjectIdentifier { return p.extKeyUsage }

// PolicyOIDs returns Policies as object identifiers, in order. The caller
// doesn't change them.
func (p *Profile) PolicyOIDs() []x509.OID { return p.policies }
