package ca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Request asks for one certificate.
type Request struct {
	// Profile to follow. Required.
	Profile *profile.Profile
	// Subject in the order of the profile (see profile.Arrange), normalised
	// (see profile.Normalize). It is checked, never changed.
	Subject pki.Subject
	// PublicKey to certify: *ecdsa.PublicKey or *rsa.PublicKey.
	PublicKey crypto.PublicKey
	// Serial that the caller has reserved; zero draws one.
	Serial pki.Serial
	// NotBefore, to the second; zero is now. NotAfter; zero is the profile's
	// default from NotBefore.
	NotBefore, NotAfter time.Time
}

// Draft is a certificate fixed to the last byte but its signature. Only
// Prepare makes one, after every check, and Issue takes it once.
type Draft struct {
	ca        *CA
	profile   *profile.Profile
	serial    pki.Serial
	subject   pki.Subject
	notBefore time.Time
	notAfter  time.Time
	tbs       []byte
	hash      [sha256.Size]byte
	scheme    pki.Signature
	warnings  lint.Findings
	used      atomic.Bool
}

// Serial returns the certificate's serial number.
func (d *Draft) Serial() pki.Serial { return d.serial }

// Profile returns the profile that was followed.
func (d *Draft) Profile() *profile.Profile { return d.profile }

// Subject returns a copy of the subject.
func (d *Draft) Subject() pki.Subject { return slices.Clone(d.subject) }

// Validity returns notBefore and notAfter, in UTC.
func (d *Draft) Validity() (notBefore, notAfter time.Time) { return d.notBefore, d.notAfter }

// TBS returns a copy of the DER of the TBSCertificate: what will be signed, and
// the message the signer is given. It holds personal data.
func (d *Draft) TBS() []byte { return slices.Clone(d.tbs) }

// TBSHash returns the SHA-256 of TBS, whatever hash the signature uses.
func (d *Draft) TBSHash() [sha256.Size]byte { return d.hash }

// Warnings returns what the lints found that is no reason to refuse.
func (d *Draft) Warnings() lint.Findings { return slices.Clone(d.warnings) }

// Shard returns which CRL of the CA will cover the certificate; 0 also where
// the CRL is whole.
func (d *Draft) Shard() int { return d.serial.Shard(d.ca.shards) }

// Prepare checks r, fixes every byte of the certificate, signs them with a
// throw-away key of the CA's kind, and lints the outcome. It doesn't touch the
// CA's key. Refusals carry a pki.Code of this package, or of pki, profile or
// lint.
func (a *CA) Prepare(r Request) (*Draft, error) {
	// 1. Is it this CA's to issue?
	if err := a.checkRole(r); err != nil {
		return nil, err
	}
	// 2. Subject and key by the profile's rules.
	if err := r.Profile.CheckSubject(r.Subject); err != nil {
		return nil, err
	}
	if err := CheckKey(r.PublicKey, r.Profile.Keys); err != nil {
		return nil, err
	}
	// 3. Period and serial number.
	d := &Draft{ca: a, profile: r.Profile, subject: slices.Clone(r.Subject), serial: r.Serial}
	var err error
	if d.notBefore, d.notAfter, err = a.validity(r); err != nil {
		return nil, err
	}
	if d.serial.IsZero() {
		if d.serial, err = pki.NewSerial(a.rand); err != nil {
			return nil, err
		}
	}
	// 4. The bytes, once.
	if d.scheme, err = pki.SignatureFor(a.signer.Public(), r.Profile.PSS); err != nil {
		return nil, err
	}
	template, err := a.template(d, r.PublicKey)
	if err != nil {
		return nil, err
	}
	der, err := a.throwAway.certificate(template, a.certificate, r.PublicKey)
	if err != nil {
		return nil, &pki.Error{Code: ErrRequest, Detail: "building the certificate", Err: err}
	}
	if d.tbs, err = tbsOf(der); err != nil {
		return nil, err
	}
	d.hash = sha256.Sum256(d.tbs)
	// 5. Lint; an error refuses.
	if d.warnings, err = a.lint(der, r.Profile); err != nil {
		return nil, err
	}
	return d, nil
}

func (a *CA) checkRole(r Request) error {
	if r.Profile == nil {
		return &pki.Error{Code: ErrRequest, Field: "profile", Detail: "missing"}
	}
	var ok bool
	switch role := r.Profile.Role; {
	case a.certificate == nil:
		own, isKey := a.signer.Public().(interface{ Equal(crypto.PublicKey) bool })
		if role == profile.Root && (!isKey || !own.Equal(r.PublicKey)) {
			return &pki.Error{Code: ErrRequest, Field: "publicKey", Detail: "a root certifies its own key"}
		}
		ok = role == profile.Root
	case a.selfSigned:
		ok = role == profile.Issuing || role == profile.OCSP
	default:
		ok = role == profile.Subscriber || role == profile.OCSP || role == profile.TSA
	}
	if !ok {
		return &pki.Error{Code: ErrRole, Field: r.Profile.Name}
	}
	return nil
}

// validity settles the period: inside the profile's longest and the CA's own.
func (a *CA) validity(r Request) (notBefore, notAfter time.Time, err error) {
	notBefore, notAfter = r.NotBefore.UTC().Truncate(time.Second), r.NotAfter.UTC().Truncate(time.Second)
	if r.NotBefore.IsZero() {
		notBefore = a.now().UTC().Truncate(time.Second)
	}
	if r.NotAfter.IsZero() {
		notAfter = r.Profile.Validity.Default.End(notBefore)
	}
	switch {
	case !notAfter.After(notBefore):
		err = &pki.Error{Code: ErrValidity, Field: "notAfter", Detail: "not after notBefore"}
	case notAfter.After(r.Profile.Validity.Max.End(notBefore)):
		err = &pki.Error{Code: ErrValidity, Field: "notAfter", Detail: "over the profile's " + r.Profile.Validity.Max.String()}
	case a.certificate != nil && (notBefore.Before(a.certificate.NotBefore) || notAfter.After(a.certificate.NotAfter)):
		err = &pki.Error{Code: ErrOutlivesCA, Detail: "CA valid until " + a.certificate.NotAfter.UTC().Format(time.DateOnly)}
	}
	return notBefore, notAfter, err
}

// template says in crypto/x509's words what the profile says in its own.
func (a *CA) template(d *Draft, public crypto.PublicKey) (*x509.Certificate, error) {
	p := d.profile
	name, err := d.subject.DER()
	if err != nil {
		return nil, err
	}
	keyID, err := SubjectKeyID(public)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: d.serial.Big(), RawSubject: name, SubjectKeyId: keyID,
		NotBefore: d.notBefore, NotAfter: d.notAfter,
		KeyUsage: p.KeyUsageBits(), Policies: p.PolicyOIDs(), SignatureAlgorithm: d.scheme.Algorithm,
		EmailAddresses: d.subject.Values(pki.EmailAddress),
	}
	if p.IsCA() {
		t.BasicConstraintsValid, t.IsCA, t.MaxPathLen = true, true, -1
		if n := p.CA.PathLength; n != nil {
			t.MaxPathLen, t.MaxPathLenZero = *n, *n == 0
		}
	}
	if p.OCSP {
		t.OCSPServer = []string{a.addresses.OCSP()}
	}
	if p.CAIssuers {
		t.IssuingCertificateURL = []string{a.addresses.Certificate()}
	}
	if p.CRL {
		t.CRLDistributionPoints = []string{a.addresses.CRLFor(d.serial, a.shards)}
	}
	if oids := p.ExtKeyUsageOIDs(); len(oids) > 0 {
		// ExtKeyUsage ::= SEQUENCE OF KeyPurposeId. crypto/x509 can't make it critical.
		value, err := asn1.Marshal(oids)
		if err != nil {
			return nil, fmt.Errorf("extended key usage of %s: %w", p.ID(), err)
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{
			Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: p.ExtKeyUsageCritical, Value: value})
	}
	if p.OCSPNoCheck {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{ // value: NULL
			Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}})
	}
	return t, nil
}

// lint returns the findings that are no errors, or the refusal.
func (a *CA) lint(der []byte, p *profile.Profile) (lint.Findings, error) {
	findings, err := a.linter.Certificate(lint.Certificate{DER: der, Profile: p, Issuer: a.certificate,
		Addresses: a.addresses, Shards: a.shards})
	if err != nil {
		return nil, err
	}
	return findings, findings.Err()
}

// certificateParts is the outer shape of a certificate:
//
//	Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
type certificateParts struct {
	TBS       asn1.RawValue
	Algorithm asn1.RawValue
	Value     asn1.BitString
}

func tbsOf(der []byte) ([]byte, error) {
	var parts certificateParts
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return nil, &pki.Error{Code: ErrMismatch, Detail: "not a certificate", Err: err}
	}
	return parts.TBS.FullBytes, nil
}
