package profile

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/asn1"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/kyso-vn/kyso/pki"
)

//go:embed profiles/*.yaml
var builtin embed.FS

// maxFile bounds a profile file, in bytes.
const maxFile = 64 << 10

// documentationArc is what own policies stand under in the shipped files: the
// enterprise number for documentation (RFC 5612, Section 2).
const documentationArc = "1.3.6.1.4.1.32473."

// Options change the profiles as they are loaded; the zero value changes
// nothing. They enter each profile's Digest.
type Options struct {
	// PolicyArc replaces 1.3.6.1.4.1.32473 in every policy, as
	// "2.16.704.1.2": the operator's own registered arc. Empty keeps it.
	PolicyArc string
	// MaxValidity lowers or raises a profile's longest validity, by name, where
	// the law leaves it open. The default follows when it would be longer.
	MaxValidity map[string]Period
}

// Set is a collection of profiles of which each name stands once. It is
// read-only.
type Set struct {
	byName map[string]*Profile
}

// Builtin loads the profiles that ship with the package: root, issuing,
// citizen, officer, organisation, service, ocsp and tsa.
func Builtin(o Options) (*Set, error) {
	sub, err := fs.Sub(builtin, "profiles")
	if err != nil {
		return nil, err
	}
	return Load(sub, o)
}

// Load reads every *.yaml file at the top of fsys. Unknown fields, names that
// stand twice, contradictions, and an empty folder are ErrProfile.
func Load(fsys fs.FS, o Options) (*Set, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, &pki.Error{Code: ErrProfile, Detail: "no profile files"}
	}
	set := &Set{byName: map[string]*Profile{}}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading profile %s: %w", name, err)
		}
		p, err := Parse(text, o)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		if set.byName[p.Name] != nil {
			return nil, &pki.Error{Code: ErrProfile, Field: p.Name, Detail: "stands twice"}
		}
		set.byName[p.Name] = p
	}
	for name := range o.MaxValidity {
		if set.byName[name] == nil {
			return nil, &pki.Error{Code: ErrUnknown, Field: name, Detail: "in MaxValidity"}
		}
	}
	return set, nil
}

// Get returns the profile of that name; ErrUnknown if there is none.
func (s *Set) Get(name string) (*Profile, error) {
	if p := s.byName[name]; p != nil {
		return p, nil
	}
	return nil, &pki.Error{Code: ErrUnknown, Field: name}
}

// Names returns the names in alphabetical order.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Parse reads one profile file.
func Parse(text []byte, o Options) (*Profile, error) {
	if len(text) > maxFile {
		return nil, &pki.Error{Code: ErrProfile, Detail: "file over 64 kB"}
	}
	p := new(Profile)
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(p); err != nil {
		return nil, &pki.Error{Code: ErrProfile, Err: err}
	}
	if m, ok := o.MaxValidity[p.Name]; ok {
		p.Validity.Max = m
		if longer(p.Validity.Default, m) {
			p.Validity.Default = m
		}
	}
	if o.PolicyArc != "" {
		for i, policy := range p.Policies {
			if rest, ok := strings.CutPrefix(policy, documentationArc); ok {
				p.Policies[i] = o.PolicyArc + "." + rest
			}
		}
	}
	h := sha256.New()
	h.Write(text)
	fmt.Fprintf(h, "\x00%s\x00%s", p.Validity.Max, strings.Join(p.Policies, ","))
	h.Sum(p.digest[:0])
	if err := p.resolve(); err != nil {
		return nil, err
	}
	return p, p.check()
}

// resolve turns the names of the file into the values of crypto/x509.
func (p *Profile) resolve() error {
	for _, name := range p.KeyUsage {
		bit, ok := keyUsageBit(name)
		if !ok {
			return &pki.Error{Code: ErrProfile, Field: "key_usage", Detail: "unknown " + strconv.Quote(name)}
		}
		p.keyUsage |= bit
	}
	for _, name := range p.ExtKeyUsage {
		oid, err := extKeyUsageOID(name)
		if err != nil {
			return err
		}
		p.extKeyUsage = append(p.extKeyUsage, oid)
	}
	for _, text := range p.Policies {
		oid, err := x509.ParseOID(text)
		if err != nil {
			return &pki.Error{Code: ErrProfile, Field: "policies", Err: err}
		}
		p.policies = append(p.policies, oid)
	}
	return nil
}

func keyUsageBit(name string) (x509.KeyUsage, bool) {
	switch name {
	case "digitalSignature":
		return x509.KeyUsageDigitalSignature, true
	case "nonRepudiation", "contentCommitment":
		return x509.KeyUsageContentCommitment, true
	case "keyEncipherment":
		return x509.KeyUsageKeyEncipherment, true
	case "keyAgreement":
		return x509.KeyUsageKeyAgreement, true
	case "keyCertSign":
		return x509.KeyUsageCertSign, true
	case "cRLSign":
		return x509.KeyUsageCRLSign, true
	}
	return 0, false
}

func extKeyUsageOID(name string) (asn1.ObjectIdentifier, error) {
	switch name {
	case "clientAuth":
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}, nil
	case "emailProtection":
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}, nil
	case "timeStamping":
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}, nil
	case "OCSPSigning":
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}, nil
	case "documentSigning": // RFC 9336, Section 3
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}, nil
	}
	var oid asn1.ObjectIdentifier
	for part := range strings.SplitSeq(name, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, &pki.Error{Code: ErrProfile, Field: "ext_key_usage", Detail: "unknown " + strconv.Quote(name)}
		}
		oid = append(oid, int(n))
	}
	return oid, nil
}
