package path

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"
)

// stubs are the inputs that have crashed readers of DER before.
func stubs(f *testing.F) {
	for _, s := range []string{"", "30", "3081", "308401", "3000", "30803000"} {
		der, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
}

// FuzzParseCRL: where crypto/x509 reads the list too, both agree on issuer,
// times and every entry.
func FuzzParseCRL(f *testing.F) {
	stubs(f)
	w := newWorld(f, spoil{})
	f.Add(w.crl(f, w.ica, crlOptions{next: time.Hour}))
	f.Add(w.crl(f, w.ica, crlOptions{next: time.Hour, revoked: []x509.RevocationListEntry{w.entry(w.end, -time.Hour, 1)},
		extra: []pkix.Extension{idp(f, fullName(f, shardURL), boolTrue(1))}}))
	f.Fuzz(func(t *testing.T, der []byte) {
		ours, err := parseCRL(der)
		if err != nil {
			return
		}
		_, _, _ = ours.find(big.NewInt(7))
		theirs, err := x509.ParseRevocationList(der)
		if err != nil {
			return
		}
		if !bytes.Equal(ours.issuer, theirs.RawIssuer) || !ours.thisUpdate.Equal(theirs.ThisUpdate) || !ours.nextUpdate.Equal(theirs.NextUpdate) {
			t.Fatal("issuer or times differ")
		}
		seen := map[string]bool{} // find answers with the first of a serial
		for _, e := range theirs.RevokedCertificateEntries {
			if seen[e.SerialNumber.String()] {
				continue
			}
			seen[e.SerialNumber.String()] = true
			got, found, err := ours.find(e.SerialNumber)
			if err == nil && (!found || !got.revokedAt.Equal(e.RevocationTime) || int(got.reason) != e.ReasonCode) {
				t.Fatalf("entry %v: found %v, %+v", e.SerialNumber, found, got)
			}
		}
	})
}

// FuzzDirectoryName: comparing is reflexive, and every name lies within its own
// first parts.
func FuzzDirectoryName(f *testing.F) {
	stubs(f)
	w := newWorld(f, spoil{})
	f.Add(w.end.cert.RawSubject)
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, ok := parseRDNs(der); !ok {
			return
		}
		if !dirWithin(der, der, false) || !dirWithin(der, []byte{0x30, 0x00}, false) {
			t.Error("a name is not within itself")
		}
	})
}
