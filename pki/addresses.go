package pki

import (
	"net/url"
	"strconv"
	"strings"
)

// DefaultShards is how many CRLs an issuing CA spreads its certificates over
// unless told otherwise.
const DefaultShards = 128

// Addresses are the places where one CA publishes. Certificates carry them
// and CRLs repeat them byte for byte, so one function makes each.
type Addresses struct {
	// Base is the plain listener as the world sees it, as
	// "http://pki.example.vn", without a slash at the end. Plain HTTP is meant:
	// what is published is signed, and https would need the status it serves
	// (RFC 5280, Section 8).
	Base string
	// CA is the CA's short name in paths: lower-case letters, digits and '-'.
	CA string
}

// Check refuses with ErrAddress what can't stand in a certificate.
func (a Addresses) Check() error {
	u, err := url.Parse(a.Base)
	switch {
	case err != nil:
		return &Error{Code: ErrAddress, Field: "base", Detail: "not a URL"}
	case u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return &Error{Code: ErrAddress, Field: "base", Detail: "want http://host[:port][/path]"}
	case strings.HasSuffix(a.Base, "/") || u.String() != a.Base:
		return &Error{Code: ErrAddress, Field: "base", Detail: "want its shortest form without a slash at the end"}
	case len(a.CA) == 0 || len(a.CA) > 64 || strings.Trim(a.CA, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return &Error{Code: ErrAddress, Field: "ca", Detail: "want 1 to 64 of a-z, 0-9 and '-'"}
	}
	return nil
}

// OCSP returns the responder's address: {base}/ocsp/{ca}.
func (a Addresses) OCSP() string { return a.Base + "/ocsp/" + a.CA }

// Certificate returns where the CA's own certificate is: {base}/ca/{ca}.cer.
func (a Addresses) Certificate() string { return a.Base + "/ca/" + a.CA + ".cer" }

// CRL returns where the whole CRL is: {base}/crl/{ca}.crl.
func (a Addresses) CRL() string { return a.Base + "/crl/" + a.CA + ".crl" }

// Shard returns where shard i of a sharded CRL is: {base}/crl/{ca}/{i}.crl.
func (a Addresses) Shard(i int) string {
	return a.Base + "/crl/" + a.CA + "/" + strconv.Itoa(i) + ".crl"
}

// CRLFor returns where the CRL that covers serial is, for a CA with the given
// number of shards; below 2 the CRL is whole.
func (a Addresses) CRLFor(serial Serial, shards int) string {
	if shards < 2 {
		return a.CRL()
	}
	return a.Shard(serial.Shard(shards))
}
